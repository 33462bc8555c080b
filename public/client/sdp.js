// @ts-check

/** The certificates a description names: all of them, so that none is taken for another. @param {{ sdp?: string } | null} description */
export function fingerprints(description) {
  const found = values(description, /^a=fingerprint:(\S+ \S+)/gim).map((value) => {
    const [hash, digest] = value.split(" ");
    return `${hash.toLowerCase()} ${digest.toUpperCase()}`;
  });
  return [...new Set(found)].sort().join();
}

/** The ICE username fragments of a description, by which a candidate tells where it belongs. @param {{ sdp?: string } | null} description */
export function fragments(description) {
  return new Set(values(description, /^a=ice-ufrag:(\S+)/gm));
}

/** Whether a description has a section for data channels that is not rejected. @param {{ sdp?: string } | null} description */
export function hasData(description) {
  return values(description, /^(m=application [1-9])/gm).length > 0;
}

/**
 * @param {{ sdp?: string } | null} description
 * @param {RegExp} pattern
 */
function values(description, pattern) {
  return [...(description?.sdp ?? "").matchAll(pattern)].map(([, value]) => value);
}

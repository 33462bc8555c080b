// @ts-check

/**
 * The fingerprints in a description. Some browsers accept any case and extra spaces there, so this does, too.
 * @param {{ sdp?: string } | null} description
 */
export function fingerprints(description) {
  const found = values(description, /^\s*a\s*=\s*fingerprint\s*:(.*)$/gim);
  return [...new Set(found.map((value) => value.trim().toUpperCase().replace(/\s+/g, " ")))].sort().join();
}

/** The ICE username fragments of a description; each candidate is for one. @param {{ sdp?: string } | null} description */
export function fragments(description) {
  return new Set(values(description, /^a=ice-ufrag:(\S+)/gm));
}

/** Whether a description has a section for data channels that is not rejected. @param {{ sdp?: string } | null} description */
export function hasData(description) {
  const section = values(description, /^m=(application (?:.|\r?\n(?!m=))*)/gm)[0];
  return section !== undefined && (!section.startsWith("application 0 ") || section.includes("a=bundle-only"));
}

/**
 * @param {{ sdp?: string } | null} description
 * @param {RegExp} pattern
 */
function values(description, pattern) {
  return [...(description?.sdp ?? "").matchAll(pattern)].map(([, value]) => value);
}

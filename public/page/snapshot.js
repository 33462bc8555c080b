// @ts-check

// Copies of the module's objects, which change in place.

/** @param {Room} room @returns {Call} */
export function ofRoom({ state, info, self, knocks, hasTurn, canPlayAudio }) {
  return { state, info: { ...info }, self: { ...self }, knocks, hasTurn, canPlayAudio };
}

/** @param {Peer} peer @returns {PeerState} */
export function ofPeer(peer) {
  const { id, name, host, handRaised, away, media, state, verified, withheld, quality, stream, screen } = peer;
  const hasPicture = media.video && stream.getVideoTracks().length > 0;
  return { peer, id, name, host, handRaised, away, media, state, verified, withheld, quality, stream, screen, hasPicture };
}

/** @param {LocalMedia} media @returns {Media} */
export function ofMedia(media) {
  const { audio, video, screen, stream, problems } = media;
  const camera = media.track("video");
  const settings = camera?.getSettings();
  return {
    audio, video, screen, stream,
    problems: { ...problems },
    used: { audio: media.track("audio")?.getSettings().deviceId ?? "", video: settings?.deviceId ?? "" },
    canBlur: /** @type {any} */ (camera?.getCapabilities?.())?.backgroundBlur?.includes(true) ?? false,
    isMirrored: settings?.facingMode !== "environment", // a rear camera is not
  };
}

/**
 * @param {IncomingFile | OutgoingFile} file
 * @param {Blob | null} [sent] what is sent, if it may be shown
 * @returns {FileState}
 */
export function ofFile(file, sent = null) {
  const { name, size, type, state, transferred, error, outgoing, peer } = file;
  return { file, name, size, type, state, transferred, error, outgoing, peerName: peer.name, blob: file.outgoing ? sent : file.blob };
}

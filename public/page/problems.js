// @ts-check
import { copyLink } from "./invite.js";
import { text } from "./strings.js";

/**
 * The problems of microphone, camera and screen.
 * @param {Media | null} media
 * @param {Session} session
 * @returns {Problem[]}
 */
export function deviceProblems(media, session) {
  const { audio, video, screen } = media?.problems ?? { audio: null, video: null, screen: null };
  /** @type {Problem[]} */
  const problems = [];
  const add = (/** @type {SignalboxError | null} */ error, /** @type {string} */ device, /** @type {("audio" | "video" | "screen")[]} */ kinds) => {
    if (!error) return;
    const words = text(`device.${error.code}`, { device: text(`device.${device}`) });
    problems.push({ key: error, words, action: deviceAction(error.code, () => void session.again(kinds)) });
  };
  if (audio && video && audio.code === video.code) {
    add(video, "both", ["audio", "video"]);
  } else {
    add(audio, "audio", ["audio"]);
    add(video, "video", ["video"]);
  }
  add(screen, "screen", ["screen"]);
  return problems;
}

/**
 * @param {string} code
 * @param {() => void} again
 * @returns {Action}
 */
function deviceAction(code, again) {
  switch (code) {
    case "insecure-origin":
      return { label: text("action.https"), run: () => (location.protocol = "https:") };
    case "unsupported-browser":
      return { label: text("action.copy"), run: () => void copyLink() };
    case "device-lost":
      return { label: text("action.other"), run: again };
    case "no-device":
      return { label: text("action.look"), run: again };
    default:
      return { label: text("action.retry"), run: again };
  }
}

/**
 * The button for an error of joining.
 * @param {string} code
 * @param {Session} session
 * @returns {Action | null} null if the user has to fill in the form
 */
export function joinAction(code, session) {
  switch (code) {
    case "bad-password":
    case "password-wanted":
      return null;
    case "room-full":
      return { label: text("action.chat-only"), run: () => void session.join({ chatOnly: true }) };
    case "denied":
      return { label: text("action.knock"), run: () => void session.join() };
    case "kicked":
    case "bad-token":
    case "bad-room":
      return { label: text("action.home"), run: () => session.home() };
    case "not-loaded":
      return { label: text("action.reload"), run: () => location.reload() };
    case "insecure-origin":
    case "unsupported-browser":
      return deviceAction(code, () => {});
    default:
      return { label: text("action.retry"), run: () => void session.join() };
  }
}

// @ts-check

/**
 * Notifies the user, if they want it, while the page is hidden.
 * @param {Store} store
 * @param {string} body
 */
export function notify({ state: { alerts, speaker } }, body) {
  if (!alerts || !document.hidden) return;
  chime(speaker);
  try {
    new Notification(document.title, { body, tag: "signalbox" });
  } catch {
    // Phones take notifications only from service workers.
  }
}

/** Asks for the permission to notify. Returns whether it was given. */
export async function mayNotify() {
  return "Notification" in globalThis && (await Notification.requestPermission()) === "granted";
}

/** Plays two short tones. @param {string} speaker a device id */
export function chime(speaker) {
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 523 });
  tone.connect(new GainNode(context, { gain: 0.2 })).connect(output);
  tone.frequency.setValueAtTime(784, context.currentTime + 0.2);
  const audio = Object.assign(new Audio(), { srcObject: output.stream });
  audio.setSinkId?.(speaker).catch(() => {}); // a missing device: the default plays
  audio.play().catch(() => {}); // the browser wants a click first
  tone.addEventListener("ended", () => context.close());
  tone.start();
  tone.stop(context.currentTime + 0.5);
}

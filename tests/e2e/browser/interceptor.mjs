// A signaling server that intercepts a call. It sits between a page and its room, and gives each of two users a connection
// to itself instead of one to the other user. It forwards media and messages between the two connections.

import { openPage } from "./support.mjs";

/**
 * Intercepts the page's signaling from the page's next connection on. With `reflect`, messages of the channel for
 * verification go back to their sender and are not forwarded.
 */
export async function intercept(browser, server, page, { reflect = false } = {}) {
  const own = await openPage(browser, `${server.url}/icon.svg`);
  await own.evaluate(listenIn, reflect);
  const replaced = {
    offer: (description) => own.evaluate((offer) => window.offered(offer), description),
    answer: (description) => own.evaluate((answer) => window.answered(answer), description),
  };
  await page.routeWebSocket(/socket\.io/, (socket) => {
    const room = socket.connectToServer();
    const through = (send) => {
      let last = Promise.resolve(); // frames keep their order
      return (frame) => {
        last = last.then(async () => {
          const [, number, json] = /^(\d+)(\[.*)$/s.exec(frame) ?? [];
          const [event, payload, ...rest] = json ? JSON.parse(json) : [];
          if (event === "candidate") return; // the interceptor's descriptions contain all candidates
          if (!(event in replaced)) return send(frame);
          payload.description = await replaced[event](payload.description);
          send(number + JSON.stringify([event, payload, ...rest]));
        });
      };
    };
    room.onMessage(through((frame) => socket.send(frame)));
    socket.onMessage(through((frame) => room.send(frame)));
  });
}

/** Runs in the interceptor's page, which has a connection to each user. The intercepted page makes the offer. */
function listenIn(reflect) {
  let toOfferer;
  let toAnswerer;
  const complete = async (pc) => {
    await pc.setLocalDescription();
    while (pc.iceGatheringState !== "complete") {
      await new Promise((changed) => pc.addEventListener("icegatheringstatechange", changed, { once: true }));
    }
    return pc.localDescription.toJSON();
  };
  const channel = (pc) => {
    const opened = pc.createDataChannel("", { negotiated: true, id: 200 });
    return Object.assign(opened, { whenOpen: new Promise((open) => opened.addEventListener("open", open)) });
  };
  const handOn = (from, to) => from.addEventListener("message", ({ data }) => void to.whenOpen.then(() => to.send(data)));
  window.offered = async (offer) => {
    [toOfferer, toAnswerer] = [new RTCPeerConnection(), new RTCPeerConnection()];
    await toOfferer.setRemoteDescription(offer);
    for (const { receiver } of toOfferer.getTransceivers()) toAnswerer.addTransceiver(receiver.track, { direction: "sendrecv" });
    const [one, other] = [channel(toOfferer), channel(toAnswerer)];
    handOn(one, reflect ? one : other);
    handOn(other, reflect ? other : one);
    return complete(toAnswerer);
  };
  window.answered = async (answer) => {
    await toAnswerer.setRemoteDescription(answer);
    for (const [index, transceiver] of toOfferer.getTransceivers().entries()) {
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(toAnswerer.getTransceivers()[index].receiver.track);
    }
    return complete(toOfferer);
  };
}

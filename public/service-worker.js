// @ts-nocheck: TypeScript knows only the types of pages here, and a service worker has others
// If a visit to the start page or to a room fails, the user gets the page /offline, which says that there is no connection.
// Nothing else is answered here: what the page consists of always comes from the server, so no old version is ever shown.

const OFFLINE = "/offline";
const OURS = /^\/(r\/[^/]+\/?)?$/;

addEventListener("install", (event) => {
  event.waitUntil(caches.open("offline").then((cache) => cache.add(new Request(OFFLINE, { cache: "reload" }))));
});

addEventListener("fetch", (event) => {
  const { mode, url } = event.request;
  if (mode !== "navigate" || !OURS.test(new URL(url).pathname)) return;
  event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
});

// What users do and see on the page, as functions that work with pages of Playwright and of `firefox.mjs`.

/** Joins the call on a page that was opened at a room's address. */
export async function enterRoom(page, name) {
  await page.fill('[data-view="prejoin"] [data-input="name"]', name);
  await page.click('[data-slot="join"]');
  await page.waitForFunction(() => !document.querySelector('[data-view="call"]').hidden);
}

/**
 * Waits until the picture of each of these users has changed twice, and their sound arrives. On the virtual display of
 * the tests Firefox counts no frames, so this looks at the picture itself.
 */
export async function seesAll(page, ...names) {
  for (const name of names) {
    await page.evaluate(() => (window.pictures = new Set()));
    await page.waitForFunction((name) => {
      const tiles = [...document.querySelectorAll(".tile:not(.own, .screen-tile)")];
      const video = tiles.find((tile) => tile.textContent.includes(name))?.querySelector("video");
      const [sound] = video?.srcObject?.getAudioTracks() ?? [];
      if (!video?.videoWidth || sound?.muted !== false) return false;
      const { canvas } = (window.sight ??= Object.assign(document.createElement("canvas"), { width: 40, height: 30 }).getContext("2d", { willReadFrequently: true }));
      window.sight.drawImage(video, 0, 0, canvas.width, canvas.height);
      window.pictures.add(window.sight.getImageData(0, 0, canvas.width, canvas.height).data.join());
      return window.pictures.size > 2;
    }, name);
  }
}

/** Waits until this user's screen is shown. */
export const seesScreen = (page, name) => page.waitForFunction((name) => {
  const tiles = [...document.querySelectorAll(".screen-tile")];
  const video = tiles.find((tile) => tile.textContent.includes(name))?.querySelector("video");
  return video?.videoWidth > 0 && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
}, name);

/** Waits until this user is verified. */
export const trusts = (page, name) => page.waitForFunction((name) => {
  const tiles = [...document.querySelectorAll('.tile[data-trust="verified"]')];
  return tiles.some((tile) => tile.textContent.includes(name));
}, name);

export async function writes(page, message) {
  await page.waitForFunction(() => {
    const button = document.querySelector('[data-action="chat"]');
    if (button.getAttribute("aria-expanded") === "false") button.click();
    return document.querySelector('[data-input="message"]').checkVisibility();
  });
  await page.fill('[data-input="message"]', message);
  await page.evaluate(() => document.querySelector('[data-input="message"]').form.requestSubmit());
}

export const reads = (page, message) => page.waitForFunction((message) => {
  return [...document.querySelectorAll('.message [data-slot="text"]')].some(({ textContent }) => textContent === message);
}, message);

/** Sends a file and accepts it. Resolves when both pages say that it is complete. */
export async function passesFile(from, to, path, name) {
  await from.setInputFiles('[data-input="files"]', path);
  await to.waitForFunction((name) => {
    const card = [...document.querySelectorAll(".file")].find(({ textContent }) => textContent.includes(name));
    const accept = card?.querySelector('[data-slot="accept"]');
    if (!accept || accept.hidden) return false;
    accept.click();
    return true;
  }, name);
  for (const page of [from, to]) {
    await page.waitForFunction((name) => [...document.querySelectorAll(".file")].some(({ textContent }) => textContent.includes(name) && textContent.includes("Complete and checked")), name);
  }
}

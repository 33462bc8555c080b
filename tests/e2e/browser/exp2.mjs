import { startServer } from "../support.mjs";
import { chromium } from "playwright-core";
import { otherSite } from "./support.mjs";
const server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
const policy = process.argv[2] ?? "no-user-gesture-required";
const late = process.argv[3] === "late";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", ignoreDefaultArgs: ["--mute-audio"], args: ["--no-sandbox","--disable-gpu","--allow-loopback-in-peer-connection","--disable-features=WebRtcHideLocalIpsWithMdns","--use-fake-device-for-media-stream=device-count=3,fps=5","--auto-select-tab-capture-source-by-title=Bobtab",`--autoplay-policy=${policy}`] });
const html = (media, name) => `<title>${name}tab</title><body><script type=module>
 const { join } = await import("${server.url}/signalbox.js");
 const room = window.room = await join("x", { name: "${name}", media: ${media} });
 window.log = [];
 for (const type of ["loadedmetadata","canplay","canplaythrough","playing","play","pause","loadeddata"]) document.addEventListener(type, (e) => log.push(type), true);
 room.on("peer", (peer) => {
   const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
   const attach = () => { video.srcObject = peer.stream; document.body.append(video); };
   ${late} ? setTimeout(attach, 4000) : attach();
 });
</script>`;
const open = async (media, name) => { const site = await otherSite(server, html(media, name)); const ctx = await browser.newContext({ permissions: ["camera", "microphone"] }); const page = await ctx.newPage(); page.on("console", m => console.log(name, m.text())); await page.goto(site.url); return page; };
for (const [a, b] of [["{ audio: true }", "{}"], ["{ audio: true, video: true }", "{}"]]) {
  const ada = await open(a, "Ada");
  const bob = await open(b, "Bob");
  const obs = await open("{}", "Obs"); await obs.waitForFunction(() => window.room); await obs.evaluate(() => room.leave());
  await obs.evaluate(async () => {
    const s = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: { suppressLocalAudioPlayback: false } });
    window.kinds = s.getTracks().map(t => t.kind);
    const ctx = new AudioContext(); await ctx.resume(); const an = ctx.createAnalyser(); ctx.createMediaStreamSource(s).connect(an);
    window.peak = 0; const buf = new Float32Array(an.fftSize);
    setInterval(() => { an.getFloatTimeDomainData(buf); for (const x of buf) peak = Math.max(peak, Math.abs(x)); }, 20);
  });
  await new Promise((r) => setTimeout(r, 9000));
  const report = await bob.evaluate(async () => { const v = document.querySelector("video"); const st = [...(await [...room.peers.values()][0].stats()).values()].filter(s => s.type==="inbound-rtp" && s.kind==="video").map(s => [s.packetsReceived, s.framesReceived, s.bytesReceived, s.headerBytesReceived]); return { st, n: document.querySelectorAll("video").length, log: window.log, paused: v?.paused, ready: v?.readyState, tracks: v?.srcObject.getTracks().map(t => [t.kind, t.muted]) }; });
  console.log(policy, late, a, JSON.stringify(report), await obs.evaluate(() => [kinds, peak]));
  for (const p of [ada, bob, obs]) await p.context().close();
}
await browser.close(); await server.stop(); process.exit();

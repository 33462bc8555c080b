// The path of a call's packets, as the browser's statistics show it.

/**
 * Our own end of the path in use: its type and, if it is a relay, the protocol between us and the relay. `stats` runs in
 * the page. The browser may show the other end as "prflx" (peer reflexive) although it is a relay: ask the other page
 * instead.
 */
export async function path(page, stats) {
  const report = await page.evaluateHandle(stats);
  return report.evaluate((report) => {
    const { selectedCandidatePairId } = [...report.values()].find(({ type }) => type === "transport");
    const { candidateType, relayProtocol } = report.get(report.get(selectedCandidatePairId).localCandidateId);
    return relayProtocol ? { type: candidateType, over: relayProtocol } : { type: candidateType };
  });
}

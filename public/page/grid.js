// @ts-check

const WIDEST = 16 / 9;
const TALLEST = 5 / 8;
const TALLEST_ALONE = 1 / 2; // one tile may fill a phone's screen

/**
 * The number of columns that gives `count` equal tiles the largest area, and their size.
 * @param {number} count
 * @param {{ width: number, height: number, gap: number, maxColumns: number }} box
 */
export function fit(count, { width, height, gap, maxColumns }) {
  const tallest = count === 1 ? TALLEST_ALONE : TALLEST;
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.min(count, maxColumns); columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
    const tile = {
      columns,
      width: Math.floor(Math.min(cell.width, cell.height * WIDEST)),
      height: Math.floor(Math.min(cell.height, cell.width / tallest)),
    };
    if (tile.width * tile.height > best.width * best.height) best = tile;
  }
  return best;
}

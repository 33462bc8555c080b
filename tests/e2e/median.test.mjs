// The figure that `npm run bench` prints for several repetitions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { median } from "../bench/median.mjs";

test("the median of an even number of repetitions is the mean of the two in the middle", () => {
  assert.deepEqual([[7], [1, 2], [10, 9, 1], [4, 1, 100, 2]].map(median), [7, 1.5, 9, 3]);
});

/** Indexes of the parents that are asked for, to see where requests write them. There need not be so many. */
export const PROBED = [3, 5, 8] as const;

/** So many parents can be made even if there are fewer. */
export const LEAST_PARENTS = Math.max(...PROBED) + 1;

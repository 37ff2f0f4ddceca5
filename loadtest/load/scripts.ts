/**
 * The load scripts: what each is for, its default rate and length, and what must be true at its end in addition to what
 * must be true for all. The scripts themselves are in loadtest/k6/.
 */

/** How hard and how long. */
export interface Load {
  /** Orders a second of the script's main scenario. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Script {
  /** Its file in loadtest/k6/ without the ending. */
  readonly name: string;
  readonly title: string;
  readonly full: Load;
  /** About 20 seconds with start, proof and end. */
  readonly quick: Load;
  /** Of the SKUs that contain this text nothing may be held at the end. */
  readonly returning?: string;
}

export const SCRIPTS: readonly Script[] = [
  {
    name: 'flash-sale',
    title: 'One hot article: a hundred units, then a million',
    full: { rate: 5_000, seconds: 80 },
    quick: { rate: 1_500, seconds: 6 },
  },
  {
    name: 'mixed-baskets',
    title: 'Baskets over thousands of articles: reserved, paid, cancelled, abandoned, sent twice',
    full: { rate: 1_500, seconds: 60 },
    quick: { rate: 400, seconds: 6 },
    returning: '',
  },
  {
    name: 'abandoned-carts',
    title: 'An expiry storm: all abandoned carts end in one second, while others go on buying',
    full: { rate: 4_000, seconds: 60 },
    quick: { rate: 1_500, seconds: 9 },
    returning: '-left',
  },
  {
    name: 'stocktake-during-sale',
    title: 'One of two warehouses is counted while buyers are served from the other',
    full: { rate: 3_000, seconds: 60 },
    quick: { rate: 1_000, seconds: 8 },
  },
  {
    name: 'steady',
    title: 'Orders at one rate for minutes, in an open loop',
    full: { rate: 6_000, seconds: 120 },
    quick: { rate: 3_000, seconds: 8 },
  },
];

// What a finger touches is larger, as in `touch.css`.

const TOUCH = matchMedia("(pointer: coarse), (max-width: 40rem)");
/** Pixels that it is high, at least. */
const TARGET = 24;

/** Pixels of what is so high for a pointer: as many, or those that a finger needs. */
export const tallEnough = (pixels) => (TOUCH.matches ? Math.max(pixels, TARGET) : pixels);

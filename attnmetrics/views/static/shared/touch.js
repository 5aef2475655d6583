// Whether a finger is what points, as `touch.css` has it.

const TOUCH = matchMedia("(pointer: coarse), (max-width: 40rem)");

/** Pixels that what is touched is at least high and wide. */
export const TARGET = 24;

export const isTouched = () => TOUCH.matches;

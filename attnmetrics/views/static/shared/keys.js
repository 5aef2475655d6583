// Which way a key leads.

/** [down, right] of an arrow key; undefined of any other. */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export const arrow = (key) => ARROWS[key];

/** Whether a key presses a button. */
export const isPress = (key) => key === "Enter" || key === " ";

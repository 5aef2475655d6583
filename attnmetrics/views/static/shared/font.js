// The font of drawings, and how wide a text is in it.

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

let context;

/** Width of a text in pixels. */
export function textWidth(content, size = 13) {
  context ??= document.createElement("canvas").getContext("2d");
  context.font = `${size}px ${FONT}`;
  return context.measureText(content).width;
}

/** A text cut to a width. */
export function fit(content, width, size = 13) {
  if (textWidth(content, size) <= width) return content;
  const letters = [...content];
  while (letters.length > 1 && textWidth(`${letters.join("")}…`, size) > width) letters.pop();
  return `${letters.join("")}…`;
}

/** A text in lines of a width, broken between words. */
export function wrapped(content, width, size = 13) {
  const lines = [""];
  for (const word of content.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (!lines.at(-1) || textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// A page's data: JSON before the script, arrays in one heap after it, both deflated, in base 64 (views/page.py).

const held = (id) => document.getElementById(id);
let heap = null;
let filling = null;
let isFilled = false;

/** What the page holds, but for the heap. */
export const contents = async () => parse(await inflate(held("contents")));

/** The array at [first byte, number of bytes] of the heap: zeros until the page is `whole`. */
export const unpack = ([start, length], Kind) => new Kind(room(), start, length / Kind.BYTES_PER_ELEMENT);

/** The JSON at such a place; of a page that is whole. */
export const unpackJson = (place) => parse(unpack(place, Uint8Array));

/** Settles when arrays have their numbers; they are inflated when it is first asked for. */
export const whole = () => (filling ??= fill());

/** Whether they have. */
export const isWhole = () => isFilled;

const room = () => (heap ??= new ArrayBuffer(Number(held("contents").dataset.heap)));

async function fill() {
  await untilRead();
  new Uint8Array(room()).set(await inflate(held("heap")));
  isFilled = true;
}

/** Settles when the browser has read the page to its end: the script begins before. */
const untilRead = () => new Promise((settle) => {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", settle, { once: true });
  else settle();
});

const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/** By a stream of one part: what a Blob streams has been to another process and back. */
async function inflate({ text }) {
  const bytes = bytesOf(text);
  const stream = new ReadableStream({ start(to) { to.enqueue(bytes); to.close(); } });
  return new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
}

/** By the browser where it can, which takes a tenth of the time. */
function bytesOf(packed) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(packed);
  const letters = atob(packed);
  const found = new Uint8Array(letters.length);
  for (let n = 0; n < found.length; n += 1) found[n] = letters.charCodeAt(n);
  return found;
}

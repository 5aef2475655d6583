// A page's data: JSON and arrays in one heap of bytes, deflated, in base 64 (views/page.py makes it).

let heap = null;

const held = () => document.getElementById("heap");
const heapOf = () => (heap ??= inflate(held().text));

/** Settles when the browser has read the page to its end: the script begins before. */
const untilRead = () => new Promise((settle) => {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", settle, { once: true });
  else settle();
});

/** What the page holds. */
export async function contents() {
  await untilRead();
  return parse(await heapOf(), held().dataset.json.split(" ").map(Number));
}

/** The array at [first byte, number of bytes]. */
export async function unpack([start, length], Kind) {
  return new Kind(await heapOf(), start, length / Kind.BYTES_PER_ELEMENT);
}

/** What gives the JSON at such a place, which is read when it is first asked for. */
export async function unpackLater(place) {
  const buffer = await heapOf();
  let value;
  return () => (value ??= parse(buffer, place));
}

const parse = (buffer, [start, length]) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start, length)));

/** By a stream of one part: what a Blob streams has been to another process and back. */
function inflate(packed) {
  const bytes = bytesOf(packed);
  const stream = new ReadableStream({ start(to) { to.enqueue(bytes); to.close(); } });
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** By the browser where it can, which takes a tenth of the time. */
function bytesOf(packed) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(packed);
  const letters = atob(packed);
  const found = new Uint8Array(letters.length);
  for (let n = 0; n < found.length; n += 1) found[n] = letters.charCodeAt(n);
  return found;
}

// A page's data: JSON and arrays in one heap of bytes, deflated, in base 64 (views/page.py makes it).

let heap = null;

const held = () => document.getElementById("heap");
const bytes = () => (heap ??= inflate(held().text));

/** What the page holds. */
export async function contents() {
  return parse(await bytes(), held().dataset.json.split(" ").map(Number));
}

/** The array at [first byte, number of bytes]. */
export async function unpack([start, length], Kind) {
  return new Kind(await bytes(), start, length / Kind.BYTES_PER_ELEMENT);
}

/** What gives the JSON at such a place, which is read when it is first asked for. */
export async function unpackLater(place) {
  const buffer = await bytes();
  let value;
  return () => (value ??= parse(buffer, place));
}

const parse = (buffer, [start, length]) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start, length)));

function inflate(packed) {
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** By the browser where it can, which takes a tenth of the time. */
function bytesOf(packed) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(packed);
  const letters = atob(packed);
  const found = new Uint8Array(letters.length);
  for (let n = 0; n < found.length; n += 1) found[n] = letters.charCodeAt(n);
  return found;
}

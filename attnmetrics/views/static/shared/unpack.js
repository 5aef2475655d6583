// Arrays as the page's data holds them: places in one heap of bytes, deflated, in base 64 (views/page.py makes it).

let heap = null;

/** The array at [first byte, number of bytes]; the heap is inflated for the first that is asked for. */
export async function unpack([start, length], Kind) {
  heap ??= inflate(document.getElementById("arrays").text);
  return new Kind(await heap, start, length / Kind.BYTES_PER_ELEMENT);
}

function inflate(packed) {
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function bytesOf(packed) {
  const letters = atob(packed);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < bytes.length; n += 1) bytes[n] = letters.charCodeAt(n);
  return bytes;
}

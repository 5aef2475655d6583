// Arrays as the page's data holds them: deflated bytes in base 64 (views/page.py packs them).

export async function unpack(packed, Kind) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

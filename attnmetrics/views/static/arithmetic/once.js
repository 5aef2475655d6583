// What is made when it is first asked for.

/** A function that makes it, and gives the same again. */
export function once(make) {
  let made;
  return () => (made ??= make());
}

/** What a map has at a key, made where it has nothing yet. */
export function onceFor(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

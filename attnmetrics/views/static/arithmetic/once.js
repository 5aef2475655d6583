// What is made when it is first asked for.

/** A function that makes it, and gives the same again. */
export function once(make) {
  let made;
  return () => (made ??= make());
}

// Heads chosen in the finder: those of a part of the plot, two to be seen side by side.

/** Those within the part of the plot that is chosen; all of them without one. */
export function brushed({ x, y, brush }, places) {
  if (!brush) return places;
  const isIn = ({ metric, label }, [low, high]) => {
    const column = metric.column(label);
    return (place) => column[place] >= low && column[place] <= high;
  };
  const [across, up] = [isIn(x, brush.x), isIn(y, brush.y)];
  return places.filter((place) => across(place) && up(place));
}

/** Two heads to be seen side by side, one more chosen or let go: the last chosen takes the place of the first. */
export function paired(pair, place) {
  return pair.includes(place) ? pair.filter((one) => one !== place) : [...pair, place].slice(-2);
}

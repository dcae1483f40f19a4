/** A small line of a series, as the path of an SVG: it has the colour of its text, in every theme. */

const WIDTH = 100;
const HEIGHT = 24;
const POINTS = 60;
const SVG = 'http://www.w3.org/2000/svg';

/**
 * Return the data of a `<path>` in a box of 100 by 24, from 0 at its foot to the greatest value at its top.
 *
 * Where there is no value the line is broken. Many values are drawn as 60, each the greatest of its share, so that a
 * burst of one second is seen in a day.
 */
export function outline(values) {
  const share = Math.max(1, values.length / POINTS);
  const points = [];
  for (let start = 0; Math.round(start) < values.length; start += share) {
    const known = values.slice(Math.round(start), Math.round(start + share)).filter((value) => value !== null);
    points.push(known.length > 0 ? Math.max(...known) : null);
  }
  const greatest = Math.max(...points.map((value) => value ?? 0)) || 1;
  let is_drawn = false;
  const commands = points.map((value, index) => {
    const command =
      value === null ? '' : `${is_drawn ? 'L' : 'M'}${place(index, points.length)} ${height(value / greatest)}`;
    is_drawn = value !== null;
    return command;
  });
  return commands.join('');
}

const place = (index, count) => ((index / Math.max(1, count - 1)) * WIDTH).toFixed(1);
const height = (share) => (HEIGHT - 1 - share * (HEIGHT - 2)).toFixed(1);

/** Make the picture; the numbers beside it say the same, so that it is hidden from screen readers. */
export function new_sparkline(document) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'tws-sparkline');
  svg.setAttribute('aria-hidden', 'true');
  const path = svg.appendChild(document.createElementNS(SVG, 'path'));
  const draw = (values) => {
    const data = outline(values);
    if (path.getAttribute('d') !== data) path.setAttribute('d', data);
  };
  return { svg, draw };
}

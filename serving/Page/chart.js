// Lines over time by dygraphs. It is given numbers and names of its own ("s0", "s1") alone: it makes markup of labels, and no text of an event may get there.

import "./dygraph.min.js";
import { h, render } from "./dom.js";
import { compact, time, value, zone } from "./format.js";

const Dygraph = globalThis.Dygraph;
// Its legend needs styles within markup, which the page's policy forbids; ours is below.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
const minute = 60000, day = 86400000;

/** Colours of the style sheet, so that they are those of the theme. */
function colour(element, name) { return getComputedStyle(element).getPropertyValue(name).trim(); }

export class Chart {
  constructor() {
    this.box = h("div", { class: "chart" });
    this.legend = h("div", { class: "legend" });
    this.dygraph = null;
    this.shape = "";
  }

  /**
   * - `series`: [{name, points: Map(milliseconds → {value, error, isExact})}]
   * - `border`: milliseconds from which on rows are live, or null.
   */
  show({ series, border, step }) {
    const times = [...new Set(series.flatMap((one) => [...one.points.keys()]))].sort((a, b) => a - b);
    const hasErrors = series.some((one) => [...one.points.values()].some((point) => point.error));
    this.series = series;
    this.border = border;
    this.step = step;
    this.times = times;
    const rows = filled(times, step).map((at) => [new Date(at), ...series.map((one) => {
      const point = one.points.get(at);
      if (!point || typeof point.value !== "number") return hasErrors ? [null, null, null] : null;
      const error = point.error ? Math.abs(point.value) * point.error * 2 : 0;
      return hasErrors ? [point.value - error, point.value, point.value + error] : point.value;
    })]);
    const labels = ["time", ...series.map((_, index) => `s${index}`)];
    const shape = `${labels.length} ${hasErrors} ${zone.name}`;
    if (!rows.length) { this.end(); render(this.legend); return; }
    if (this.dygraph && shape === this.shape) {
      this.dygraph.updateOptions({ file: rows });
    } else {
      this.end();
      this.shape = shape;
      this.dygraph = new Dygraph(this.box, rows, this.options(labels, hasErrors));
    }
    this.showLegend(null);
  }

  options(labels, hasErrors) {
    const colours = labels.slice(1).map((_, index) => colour(this.box, `--series-${index % 8}`));
    const axis = colour(this.box, "--muted"), grid = colour(this.box, "--line");
    return {
      labels, colors: colours, customBars: hasErrors, fillAlpha: 0.18, strokeWidth: 1.8, connectSeparatedPoints: false, drawPoints: true, pointSize: 1.8,
      highlightCircleSize: 4, includeZero: true, labelsUTC: !zone.isLocal, gridLineColor: grid, axisLineColor: grid, axisLabelFontSize: 12, legend: "never",
      gridLinePattern: [2, 3], rightGap: 12, xRangePad: 6, animatedZooms: false, interactionModel: Dygraph.defaultInteractionModel,
      axes: { x: { axisLabelFormatter: (at) => this.tick(at), drawGrid: false, pixelsPerLabel: 78 }, y: { axisLabelFormatter: (number) => compact(number), axisLabelWidth: 54 } },
      underlayCallback: (canvas, area, dygraph) => this.underlay(canvas, area, dygraph),
      highlightCallback: (_, at) => this.showLegend(at), unhighlightCallback: () => this.showLegend(null), axisLabelColor: axis,
    };
  }

  tick(at) {
    const [low, high] = this.dygraph?.xAxisRange() ?? [this.times[0], this.times.at(-1)];
    return high - low > 3 * day ? time(at, {}).slice(5, 10) : high - low > day ? time(at, { withSeconds: false }).slice(5) : time(at, { withDate: false, withSeconds: high - low < 3 * minute });
  }

  /** The live part has a ground of its own, and a line where it begins. */
  underlay(canvas, area, dygraph) {
    if (this.border === null || this.border === undefined) return;
    const x = Math.max(area.x, dygraph.toDomXCoord(this.border));
    if (x >= area.x + area.w) return;
    canvas.fillStyle = colour(this.box, "--live-ground");
    canvas.fillRect(x, area.y, area.x + area.w - x, area.h);
    if (x > area.x) {
      canvas.strokeStyle = colour(this.box, "--live");
      canvas.setLineDash([4, 3]);
      canvas.beginPath();
      canvas.moveTo(x, area.y);
      canvas.lineTo(x, area.y + area.h);
      canvas.stroke();
      canvas.setLineDash([]);
    }
  }

  /** What the lines are; of a time, what they say there. */
  showLegend(at) {
    const shownAt = at ?? this.times.at(-1);
    render(this.legend, h("span", { class: "at" }, shownAt === undefined ? "" : time(new Date(shownAt), { withSeconds: false })), this.series.map((one, index) => {
      const point = one.points.get(shownAt);
      return h("span", { class: "entry" }, h("span", { class: `swatch c${index % 8}`, "aria-hidden": "true" }), h("span", { class: "label", title: one.name }, one.name),
        h("b", point ? value(point.value) : "–"), point?.error ? h("span", { class: "muted" }, `±${(point.error * 200).toFixed(1)} %`) : null);
    }));
  }

  /** Colours of the other theme. */
  redraw() {
    if (!this.dygraph) return;
    this.shape = "";
    this.show({ series: this.series, border: this.border, step: this.step });
  }

  end() { this.dygraph?.destroy(); this.dygraph = null; this.shape = ""; }
}

/** A bucket without rows is a gap, not a slope: one empty row behind each run of buckets is enough. The last one gives the newest bucket its width. */
function filled(times, step) {
  if (!step) return times;
  const all = [];
  times.forEach((at, index) => {
    all.push(at);
    if (index + 1 === times.length || times[index + 1] - at > step * 1.5) all.push(at + step);
  });
  return all;
}

/** What charts need of a page's style, or of their own file's. */
import { face, sizes } from '../tokens.ts';

export const chartCss = `.chart-svg{display:block;max-width:none;font:${sizes.small}px ${face};font-variant-numeric:tabular-nums}
.chart-svg text{fill:var(--quiet)}.chart-svg .name{fill:var(--ink)}.chart-svg .grid{stroke:var(--line);stroke-width:1;shape-rendering:crispEdges}
.chart-svg .axis{stroke:var(--quiet);stroke-width:1;shape-rendering:crispEdges}.chart-svg .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.chart-svg .whisker{stroke:var(--ink);stroke-width:1.25}.chart-svg .halo{stroke:var(--paper);stroke-width:1.5}
.chart{margin:1rem 0;min-width:0}.chart figcaption{font-weight:600;font-size:15px;margin-bottom:.35rem}.chart .note{font-size:13px;color:var(--quiet);margin:.3rem 0}
.chart details{font-size:13px;color:var(--quiet);margin-top:.25rem}.chart summary{cursor:pointer;padding:.25rem 0;width:max-content}.chart .data{font-size:13px}
.charts{display:flex;flex-wrap:wrap;gap:8px 48px}.chart .wide{overflow-x:auto}.chart .narrow{display:none}
@media(max-width:640px){.chart .narrow{display:block;overflow-x:auto}.chart .wide{display:none}}
.matrix{border-collapse:separate;border-spacing:2px;font-size:13px;font-variant-numeric:tabular-nums}
.matrix th{font-weight:400;color:var(--quiet);text-align:right;padding:.15rem .5rem;white-space:nowrap}
.matrix thead th{vertical-align:bottom;text-align:center}.matrix thead th.upright{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.5rem .15rem}
.matrix td{text-align:center;min-width:36px;height:34px;padding:0 .3rem;border-radius:3px;color:var(--ink);background:color-mix(in srgb,var(--tint) calc(var(--share)*45%),var(--wash))}
.matrix td a{color:inherit}.matrix thead td{background:none}.matrix .empty{color:var(--quiet)}`;

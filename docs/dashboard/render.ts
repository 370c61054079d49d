import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { loadConfig } from '../../bin/cli/load-config.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { stages } from '../../lib/infra/stage.ts';
import { readAssembly } from '../../lib/local/assembly.ts';
import { resolve } from '../../lib/local/intrinsics.ts';
import { namesOf } from '../../lib/local/names.ts';
import { seededRandom } from '../../test/memory/random.ts';

/**
 * node docs/dashboard/render.ts
 *
 * Draws the dashboard of stage prod as its template declares it: every widget at its place, with its title, its metrics and its alarm's
 * line. The curves are made up. Writes docs/dashboard/dashboard.svg.
 */

const UNIT = 50;
const GAP = 6;
const COLORS = ['#1f77b4', '#2ca02c', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f'];

const place = { x: z.number(), y: z.number(), width: z.number(), height: z.number() };
const series = z.array(z.unknown());
const widget = z.discriminatedUnion('type', [
  z.object({ ...place, type: z.literal('text'), properties: z.object({ markdown: z.string() }) }),
  z.object({
    ...place,
    type: z.literal('alarm'),
    properties: z.object({ title: z.string(), alarms: z.array(z.string()) }),
  }),
  z.object({
    ...place,
    type: z.literal('metric'),
    properties: z.object({
      title: z.string(),
      metrics: z.array(series),
      annotations: z.object({ horizontal: z.array(z.object({ value: z.number(), label: z.string() })) }).optional(),
    }),
  }),
]);
type Widget = z.output<typeof widget>;

/** The widgets of the dashboard, every reference resolved. */
async function widgets(): Promise<Widget[]> {
  const outdir = mkdtempSync(join(tmpdir(), 'headgate-dashboard-'));
  try {
    const { connectors } = await loadConfig();
    buildApp({ stages: [stages.prod], connectors, outdir, validate: false }).synth();
    const assembly = readAssembly(outdir);
    const stack = assembly.stacks.find(({ name }) => name === 'headgate-prod-dashboard');
    const dashboard = [...(stack?.resources.values() ?? [])].find(({ type }) => type === 'AWS::CloudWatch::Dashboard');
    if (stack === undefined || dashboard === undefined) throw new Error('The templates have no dashboard.');
    const body = resolve(dashboard.properties.DashboardBody, namesOf(assembly, stack, 'https://sqs.example'));
    return z.object({ widgets: z.array(widget) }).parse(JSON.parse(z.string().parse(body))).widgets;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, size: number, content: string, more = ''): string =>
  `<text x="${x}" y="${y}" font-size="${size}" ${more}>${xml(content)}</text>`;

function draw(each: Widget, index: number): string {
  const [x, y] = [each.x * UNIT + GAP / 2, each.y * UNIT + GAP / 2];
  const [width, height] = [each.width * UNIT - GAP, each.height * UNIT - GAP];
  if (each.type === 'text')
    return text(x + 4, y + 30, 24, each.properties.markdown.replace(/^#+ /, ''), 'font-weight="bold"');
  const frame = `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="white" stroke="#d5dbdb"/>`;
  const title = text(x + 10, y + 20, 14, each.properties.title, 'font-weight="bold"');
  return [
    frame,
    title,
    ...(each.type === 'alarm' ? alarms(each, x, y, width) : graph(each, index, x, y, width, height)),
  ].join('\n');
}

/** The third one of them has gone off, so that both looks can be seen. */
function alarms({ properties }: Extract<Widget, { type: 'alarm' }>, x: number, y: number, width: number): string[] {
  const columns = 6;
  const cell = (width - 20) / columns;
  return properties.alarms.flatMap((arn, i) => {
    const name = arn.replace(/^.*Alarms/, '').replace(/[0-9A-F]{8}$/, '');
    const of = /headgate-prod-([a-z-]+)-/.exec(arn)?.[1] ?? '';
    const [left, top] = [x + 10 + (i % columns) * cell, y + 30 + Math.floor(i / columns) * 36];
    const color = i === 2 ? '#d13212' : '#1d8102';
    return [
      `<rect x="${left}" y="${top}" width="${cell - 6}" height="31" fill="${color}" rx="3"/>`,
      text(left + 6, top + 20, 11, `${of} ${name}`, 'fill="white"'),
    ];
  });
}

const PEN = 13;

function graph(
  { properties }: Extract<Widget, { type: 'metric' }>,
  index: number,
  x: number,
  y: number,
  width: number,
  height: number,
): string[] {
  const shown = properties.metrics.map(labelOf).filter((label) => label !== undefined);
  const limit = properties.annotations?.horizontal[0];
  const legend = 16 * Math.ceil(shown.length / 2);
  const [left, top, w, h] = [x + 34, y + 34, width - 46, height - 52 - legend];
  const random = seededRandom(index + 1);
  const most = limit === undefined ? 10 : limit.value * 1.4;
  const axis = [0, 0.5, 1].map((part) => {
    const at = top + h - part * h;
    return `<line x1="${left}" x2="${left + w}" y1="${at}" y2="${at}" stroke="#eaeded"/>${text(x + 4, at + 4, 10, short(part * most), 'fill="#687078"')}`;
  });
  const curves = shown.flatMap((label, i) => {
    const color = COLORS[i % COLORS.length] ?? 'black';
    let level = limit === undefined ? random.number() : 0.2 + 0.3 * random.number();
    const points = Array.from({ length: 49 }, (_, step) => {
      level = Math.min(0.95, Math.max(0, level + (random.number() - 0.5) * 0.2));
      return `${(left + (step / 48) * w).toFixed(1)},${(top + h - level * h).toFixed(1)}`;
    });
    const [lx, ly] = [left + (i % 2) * (w / 2), top + h + 20 + 16 * Math.floor(i / 2)];
    return [
      `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="1.5"/>`,
      `<rect x="${lx}" y="${ly - 9}" width="10" height="10" fill="${color}"/>`,
      text(lx + 14, ly, 11, label),
    ];
  });
  const line =
    limit === undefined
      ? []
      : [
          `<line x1="${left}" x2="${left + w}" y1="${top + h - (limit.value / most) * h}" y2="${top + h - (limit.value / most) * h}" stroke="#d13212" stroke-dasharray="4"/>`,
          text(left + w - PEN * 3, top + h - (limit.value / most) * h - 4, 11, limit.label, 'fill="#d13212"'),
        ];
  return [...axis, ...line, ...curves];
}

/** What a metric of a widget is called; `undefined`: it is not drawn, only reckoned with. */
function labelOf(metric: readonly unknown[]): string | undefined {
  const options = z
    .object({ label: z.string().optional(), visible: z.boolean().optional() })
    .safeParse(metric.at(-1)).data;
  return options?.visible === false ? undefined : options?.label;
}

const short = (value: number): string =>
  value >= 1e6
    ? `${(value / 1e6).toFixed(1)}M`
    : value >= 100
      ? String(Math.round(value))
      : String(Math.round(10 * value) / 10);

const all = await widgets();
const height = Math.max(...all.map(({ y, height }) => y + height)) * UNIT;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * UNIT} ${height}" font-family="Helvetica, Arial, sans-serif">
<title>The dashboard of stage prod</title>
<rect width="100%" height="100%" fill="#f2f3f3"/>
${all.map(draw).join('\n')}
</svg>
`;
writeFileSync(join(import.meta.dirname, 'dashboard.svg'), svg);

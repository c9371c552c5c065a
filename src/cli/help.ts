// Renders --help from the schema: in groups, flags on the left, text wrapped beside them.

import { ACTIONS } from './argv.js'
import { GROUPS, type Option } from './option.js'
import { OPTIONS } from './schema.js'

const WIDTH = 100
/** Where the text begins: two spaces, the longest flag (`--max-connections-per-ip`), two spaces. */
const INDENT = 28

const INTRODUCTION = `\
Usage: echobahn [options]
       echobahn healthcheck [options]
       echobahn load URL... [options]      (make load: echobahn load --help)

A WebSocket echo service that is strict, counts every octet and runs on every core.

Each option is a flag (--port 8888 or --port=8888) or an environment variable (ECHOBAHN_PORT=8888);
flags win. A repeatable flag may be given again; its variable holds a comma-separated list.
KiB, MiB and GiB are powers of 1024, kB, MB and GB powers of 1000; a size without unit is octets.
A duration needs its unit (ms, s or m), except 0.`

/** The whole of it, no line longer than 100 columns, without a final line feed. */
export function renderHelp(): string {
  const actions = ['Instead of starting:', ...ACTIONS.flatMap(({ argument, help }) => beside(argument, [help]))]
  return paragraphs([[INTRODUCTION], ...renderGroups(GROUPS, OPTIONS), actions])
}

/** Of each group its name and its options, as lines. */
export function renderGroups(groups: readonly string[], options: readonly Option[]): string[][] {
  return groups.map(group => [
    `${group}:`,
    ...options.filter(option => option.group === group).flatMap(option => beside(option.flag, textOf(option))),
  ])
}

/** Lines with an empty one between the blocks. */
export function paragraphs(blocks: readonly (readonly string[])[]): string {
  return blocks.map(lines => lines.join('\n')).join('\n\n')
}

function textOf(option: Option): string[] {
  const allowed = `Allowed: ${option.allowed}${option.repeatable ? '; repeatable' : ''}.`
  const origin = option.variable === undefined ? '' : ` Environment: ${option.variable}`
  if (option.isSwitch) return [option.help]
  return [option.help, allowed, `Default: ${option.default}.${origin}`]
}

function beside(flag: string, paragraphs: readonly string[]): string[] {
  const lines = paragraphs.flatMap(paragraph => wrap(paragraph, WIDTH - INDENT))
  return lines.map((line, index) => `${index === 0 ? `  ${flag}` : ''}`.padEnd(INDENT) + line)
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

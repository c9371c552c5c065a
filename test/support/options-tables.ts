// Renders the options tables of README and docs from the schemas.

import { LOAD_OPTIONS } from '../../src/cli/load-schema.js'
import type { Option } from '../../src/cli/option.js'
import { OPTIONS } from '../../src/cli/schema.js'

const HEADER = ['Flag', 'Environment', 'Default', 'Allowed', 'What it does']

/** A Markdown table without surrounding blank lines; stands between `<!-- options:begin -->` and `<!-- options:end -->`. */
export function renderOptionsTable(): string {
  return tableOf(HEADER, OPTIONS.map(cellsOf))
}

/** The same for `echobahn load`, whose options have no variables; stands between `<!-- load-options:begin -->` and its end. */
export function renderLoadOptionsTable(): string {
  const header = HEADER.filter(title => title !== 'Environment')
  return tableOf(header, LOAD_OPTIONS.map(loadCellsOf))
}

function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function loadCellsOf(option: Option): string[] {
  const allowed = option.repeatable ? `${option.allowed}; repeatable` : option.allowed
  return [`\`${option.flag}\``, ...[option.default, allowed, option.help].map(escapeCell)]
}

function cellsOf(option: Option): string[] {
  const allowed = option.repeatable ? `${option.allowed}; repeatable, the variable comma-separated` : option.allowed
  return [`\`${option.flag}\``, `\`${option.variable}\``, ...[option.default, allowed, option.help].map(escapeCell)]
}

function escapeCell(text: string): string {
  return text.replace(/[|\\*_`~<]/g, '\\$&')
}

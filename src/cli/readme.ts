// Renders the options table of the README from the schema.

import { OPTIONS, type Option } from './schema.js'

const HEADER = ['Flag', 'Environment', 'Default', 'Allowed', 'What it does']

/** A Markdown table without surrounding blank lines; stands between `<!-- options:begin -->` and `<!-- options:end -->`. */
export function renderOptionsTable(): string {
  const rows = [HEADER, HEADER.map(() => '---'), ...OPTIONS.map(cellsOf)]
  return rows.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function cellsOf(option: Option): string[] {
  const allowed = option.repeatable ? `${option.allowed}; repeatable, the variable comma-separated` : option.allowed
  return [`\`${option.flag}\``, `\`${option.variable}\``, ...[option.default, allowed, option.help].map(escapeCell)]
}

function escapeCell(text: string): string {
  return text.replace(/[|\\*_`~<]/g, '\\$&')
}

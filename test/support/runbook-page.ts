// docs/runbook.md as the page to which the links of alerts lead. Prometheus serves it as a console template, so it may hold no
// action of Go's templates. Knows the Markdown that the runbook is written in: headings, paragraphs, lists, fences.

import { anchorsOf } from './markdown.js'

const STYLE = `:root { color-scheme: light dark }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
code, pre { font: 0.9em/1.4 ui-monospace, monospace }
pre { overflow-x: auto }
h3:target { outline: 0.2rem solid; outline-offset: 0.2rem }`

/** @throws Error where the Markdown holds what a template would run */
export function renderRunbook(markdown: string): string {
  if (markdown.includes('{{')) throw new Error('Prometheus would take {{ for the beginning of an action')
  const blocks = markdown.trim().split(/\n{2,}/)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>echobahn: runbook</title>
<style>
${STYLE}
</style>
${blocks.map(renderBlock).join('\n')}
</html>
`
}

function renderBlock(block: string): string {
  const [, marks, heading] = /^(#+) (.+)$/.exec(block) ?? []
  if (heading !== undefined) {
    const [anchor] = anchorsOf(block)
    return `<h${marks.length} id="${anchor}">${renderText(heading)}</h${marks.length}>`
  }
  const [, code] = /^```\w*\n([\s\S]*)\n```$/.exec(block) ?? []
  if (code !== undefined) return `<pre>${escapeHtml(code)}</pre>`
  if (!block.startsWith('- ')) return `<p>${renderText(block)}</p>`
  const items = block.slice(2).split('\n- ')
  return `<ul>\n${items.map(item => `<li>${renderText(item)}</li>`).join('\n')}\n</ul>`
}

/** Links to sections stay links; of other pages, which are not served, the path in the clone is named. */
function renderText(text: string): string {
  return text
    .replace(/\n */g, '\n')
    .split(/(`[^`]+`)/)
    .map(part => {
      const escaped = escapeHtml(part)
      if (part.startsWith('`')) return `<code>${escaped.slice(1, -1)}</code>`
      return escaped
        .replace(/\[([^\]]+)\]\((#[^)]+)\)/g, '<a href="$2">$1</a>')
        .replace(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 (docs/$2)')
        .replace(/\*([^*]+)\*/g, '<em>$1</em>')
    })
    .join('')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

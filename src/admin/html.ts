// Writes HTML in which nothing that came from the wire is markup.

/** Text that is HTML already. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Control characters are shown as their code: they could move or hide text. */
function escapeText(value: unknown): string {
  return String(value)
    .replace(/[&<>"']/g, character => ENTITIES[character])
    .replace(/[\p{Cc}\p{Cf}]/gu, character =>
      character === '\n' ? '\n' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
    )
}

function render(value: unknown): string {
  if (Array.isArray(value)) return value.map(render).join('')
  return value instanceof Html ? value.text : escapeText(value ?? '–')
}

/** Template tag: values are escaped, except those that are `Html`; lists are joined. */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1]) + part))
}

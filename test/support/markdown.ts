// What the tests of the pages need to know of Markdown: links, and the anchors that GitHub gives to headings.

const FENCE = /^```[\s\S]*?^```$/gm
const CODE = /`[^`\n]+`/g

/** Targets of inline links and images, in Markdown and HTML, code left out. */
export function linksOf(markdown: string): string[] {
  const text = markdown.replace(FENCE, '').replace(CODE, '')
  const inline = [...text.matchAll(/\]\(([^()\s]+)\)/g)]
  const html = [...text.matchAll(/\b(?:src|href)="([^"]+)"/g)]
  return [...inline, ...html].map(([, target]) => target)
}

/** Anchors of the headings: small letters, hyphens for spaces, no other punctuation; a number where one comes again. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of markdown.replace(FENCE, '').matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading.replace(/\]\([^)]*\)/g, '').toLowerCase()
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    let number = 0
    while (anchors.has(number === 0 ? anchor : `${anchor}-${number}`)) number++
    anchors.add(number === 0 ? anchor : `${anchor}-${number}`)
  }
  return anchors
}

// The small changes that a test ought to notice, found in the syntax tree of a compiled module.

import { type Node, parse } from 'acorn'
import { full } from 'acorn-walk'

export interface Mutant {
  /** Place in the text, in UTF-16 units; `end` is not included. */
  readonly start: number
  readonly end: number
  readonly replacement: string
  /** First line of what is replaced, from 1. */
  readonly line: number
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
}

const ARITHMETIC: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&': '|',
  '|': '&',
  '^': '|',
  '<<': '>>',
  '>>': '<<',
  '>>>': '<<',
}

const LOGICAL: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' }

const ASSIGNMENTS: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=', '|=': '&=', '&=': '|=', '||=': '&&=' }

/** Characters of a change that are shown. */
const LONGEST = 90

/** All mutants of the module, in the order of the text. */
export function mutantsOf(source: string): Mutant[] {
  const found: Mutant[] = []
  const program = parse(source, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
  full(program, node => mutate(node as Node & Syntax, source, found))
  return found.sort((a, b) => a.start - b.start || a.end - b.end || (a.replacement < b.replacement ? -1 : 1))
}

/** What the nodes that are looked at have; each kind of node has some of it. */
interface Syntax {
  readonly operator: string
  readonly prefix: boolean
  readonly left: Node & Syntax
  readonly right: Node & Syntax
  readonly test: (Node & Syntax) | null
  readonly argument: (Node & Syntax) | null
  readonly expression: Node & Syntax
  readonly value: unknown
  readonly raw: string
}

function mutate(node: Node & Syntax, source: string, found: Mutant[]): void {
  const replace = (place: Node, replacement: string): void => {
    if (source.slice(place.start, place.end) === replacement) return
    found.push({ start: place.start, end: place.end, replacement, line: place.loc?.start.line ?? 0 })
  }
  const text = (part: Node): string => source.slice(part.start, part.end)
  const binary = (operator: string | undefined): void => {
    if (operator === undefined) return
    const between = { ...node, start: node.left.end, end: node.right.start }
    const gap = source.slice(between.start, between.end)
    replace(between, gap.replace(node.operator, operator))
  }
  switch (node.type) {
    case 'BinaryExpression':
      binary(COMPARISONS[node.operator])
      if (node.operator !== '+' || !(isText(node.left) || isText(node.right))) binary(ARITHMETIC[node.operator])
      break
    case 'LogicalExpression':
      if (node.operator === '??') replace(node, `(${text(node.left)})`)
      else binary(LOGICAL[node.operator])
      break
    case 'AssignmentExpression':
      binary(ASSIGNMENTS[node.operator])
      break
    case 'UpdateExpression': {
      const other = node.operator === '++' ? '--' : '++'
      const argument = text(node.argument as Node)
      replace(node, node.prefix ? `${other}${argument}` : `${argument}${other}`)
      break
    }
    case 'UnaryExpression':
      if (node.operator === '!' || node.operator === '-') replace(node, `(${text(node.argument as Node)})`)
      break
    case 'AwaitExpression':
      replace(node, `(${text(node.argument as Node)})`)
      break
    case 'IfStatement':
    case 'WhileStatement':
    case 'ConditionalExpression':
      if (node.test !== null) replace(node.test, `!(${text(node.test)})`)
      break
    case 'ExpressionStatement':
      // A directive is none, nor is what stands alone and does nothing.
      if (node.expression.type !== 'Literal') replace(node, ';')
      break
    case 'ThrowStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      replace(node, ';')
      break
    case 'ReturnStatement':
      if (node.argument === null || text(node.argument) !== 'undefined')
        replace(node, node.argument === null ? ';' : 'return;')
      break
    case 'Literal':
      if (typeof node.value === 'boolean') replace(node, String(!node.value))
      else if (typeof node.value === 'number') replace(node, String(node.value + 1))
      break
  }
}

function isText(node: Node & Syntax): boolean {
  return node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string')
}

/** What the mutant changes, in one line. */
export function changeOf(source: string, { start, end, replacement }: Mutant): string {
  return `${shortened(source.slice(start, end))} → ${shortened(replacement)}`
}

export function lineOf(source: string, { start }: Mutant): string {
  return source
    .slice(source.lastIndexOf('\n', start - 1) + 1, (source.indexOf('\n', start) + 1 || source.length + 1) - 1)
    .trim()
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line
}

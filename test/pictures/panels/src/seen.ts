// Looks at the panels that were drawn as a reader does: is there an error, is there anything in colour, is the legend whole?

import type { Drawn, Panel } from './request'

/** Difference between the channels of a pixel from which on it is not grey. */
const COLOURED = 40

export function seen(panels: readonly Panel[], errors: ReadonlyMap<number, string>): Drawn[] {
  return panels
    .filter(({ type }) => type !== 'row')
    .map(({ id, title, type }) => {
      const section = document.querySelector(`[data-panel="${id}"]`) as HTMLElement
      const error = errors.get(id)
      const entries = [...section.querySelectorAll('tbody tr')]
      return {
        ...{ id, title, drawn: type === 'timeseries' || type === 'stat' },
        ...(error !== undefined && { error }),
        coloured: [...section.querySelectorAll('canvas')].reduce((sum, canvas) => sum + colouredPixels(canvas), 0),
        text: section.textContent,
        legends: entries.length,
        wholeLegends: entries.filter(entry => isWhole(entry, section)).length,
      }
    })
}

function colouredPixels(canvas: HTMLCanvasElement): number {
  if (canvas.width === 0 || canvas.height === 0) return 0
  const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height)
  let coloured = 0
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue, alpha] = data.subarray(i, i + 4)
    if (alpha > 0 && Math.max(red, green, blue) - Math.min(red, green, blue) >= COLOURED) coloured++
  }
  return coloured
}

/** Whether nothing in the entry ends in an ellipsis, and no element around it, up to its panel, cuts anything of it off. */
function isWhole(entry: Element, section: Element): boolean {
  const box = entry.getBoundingClientRect()
  if (
    [...entry.querySelectorAll('*')].some(
      ({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth,
    )
  )
    return false
  for (let around = entry.parentElement; around !== null && around !== section; around = around.parentElement) {
    const { overflowX, overflowY } = getComputedStyle(around)
    if (overflowX === 'visible' && overflowY === 'visible') continue
    const frame = around.getBoundingClientRect()
    if (box.bottom > frame.bottom + 1 || box.right > frame.right + 1 || box.top < frame.top - 1) return false
  }
  return box.width > 0 && box.height > 0
}

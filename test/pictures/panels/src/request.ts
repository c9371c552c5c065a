// What is to be drawn, and what became of it: the JSON between tests, browser and page.

/** Values of one series; times are seconds since 1970, and values that are no numbers are null. */
export interface Series {
  readonly legend: string
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [time: number, value: number | null])[]
}

/** A panel as it stands in a dashboard's JSON. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: object
  readonly options: object
}

export interface Request {
  readonly title: string
  readonly panels: readonly Panel[]
  /** Answers to the queries of each panel, by its id. */
  readonly series: Readonly<Record<number, readonly Series[]>>
  /** Seconds since 1970, and seconds between two points. */
  readonly from: number
  readonly to: number
  readonly step: number
  /** Pixels. */
  readonly width: number
  /** File for the picture, if one is wanted. */
  readonly picture?: string
}

/** What a panel shows. */
export interface Drawn {
  readonly id: number
  readonly title: string
  /** Panels of other types than Grafana publishes components for are not drawn. */
  readonly drawn: boolean
  readonly error?: string
  /** Pixels in colours other than grey: lines, areas, figures. */
  readonly coloured: number
  /** Visible text. */
  readonly text: string
  /** Entries of the legend, and how many of them are within its part of the panel, whole. */
  readonly legends: number
  readonly wholeLegends: number
}

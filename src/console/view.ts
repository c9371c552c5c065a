// One page of the console.

export interface View {
  readonly title: string
  readonly element: HTMLElement
  /** Called when the element is in the document. */
  shown?(): void
  /** Called when light has become dark, or the other way. */
  recolour?(): void
  /**
   * The address has changed within the view.
   *
   * @returns false where the view has to be made anew
   */
  moved?(): boolean
  leave(): void
}

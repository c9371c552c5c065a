// Light and dark: as the system has it, until somebody chooses.

const KEY = 'echobahn-theme'
const CHOICES = ['auto', 'light', 'dark'] as const
type Choice = (typeof CHOICES)[number]

export function isDark(): boolean {
  const choice = chosen()
  return choice === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : choice === 'dark'
}

/** @param onChange called when other colours are to be drawn with */
export function startTheme(button: HTMLElement, onChange: () => void): void {
  const apply = (): void => {
    const choice = chosen()
    if (choice === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = choice
    button.textContent = `Theme: ${choice}`
    onChange()
  }
  button.addEventListener('click', () => {
    localStorage.setItem(KEY, CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length])
    apply()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply)
  apply()
}

function chosen(): Choice {
  return CHOICES.find(choice => choice === localStorage.getItem(KEY)) ?? 'auto'
}

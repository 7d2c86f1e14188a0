/** Help that fits a terminal of 80 columns: long words stand on a line of their own, as in the pages of git. */
import type { HelpConfiguration } from 'commander'

const width = 80
const indent = 2
const longestTerm = 26

export const helpLayout: HelpConfiguration = {
  helpWidth: width,
  formatItem(term, termWidth, description, helper) {
    if (description === '') return ' '.repeat(indent) + term
    const column = Math.min(termWidth, longestTerm)
    const margin = ' '.repeat(indent + column + 2)
    const text = helper.boxWrap(description, width - margin.length).replaceAll('\n', `\n${margin}`)
    return term.length > column
      ? `${' '.repeat(indent)}${term}\n${margin}${text}`
      : `${' '.repeat(indent)}${term.padEnd(column)}  ${text}`
  },
}

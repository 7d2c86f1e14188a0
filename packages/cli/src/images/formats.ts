/** In which of two forms a signature is stored: a bundle that refers to the image, or a layer of an old tag. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fieldsOf } from '../collect.ts'
import { CliError } from '../errors.ts'

export type FormatOptions = {
  readonly format?: Format
  readonly newBundleFormat?: boolean
}

const formats = ['bundle', 'legacy', 'both'] as const
type Format = (typeof formats)[number]

export type Formats = { readonly bundle: boolean; readonly legacy: boolean }

export function addFormatOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--format <format>',
        'bundle (a referrer of the image, the default), legacy (a tag beside it, for old verifiers), or both',
      ).choices(formats),
    )
    .addOption(new Option('--new-bundle-format').hideHelp())
    .addOption(new Option('--no-new-bundle-format').hideHelp())
}

export function formatsOf({ format, newBundleFormat }: FormatOptions): Formats {
  if (newBundleFormat === false && format !== undefined && format !== 'legacy')
    throw new CliError('bad_usage', `--new-bundle-format=false and --format ${format} contradict each other`)
  const chosen = format ?? (newBundleFormat === false ? 'legacy' : 'bundle')
  return { bundle: chosen !== 'legacy', legacy: chosen !== 'bundle' }
}

/** `k=v`, of which the first `=` splits; several with commas between. */
export function collectAnnotation(
  value: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const more = fieldsOf(value).map((field) => {
    const at = field.indexOf('=')
    if (at < 1)
      throw new InvalidArgumentError(
        'it must be NAME=VALUE, with quotes around the two of them where there is a comma in the value.',
      )
    return [field.slice(0, at), field.slice(at + 1)]
  })
  return Object.fromEntries([...Object.entries(before), ...more])
}

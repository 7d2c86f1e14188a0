import { CliError } from '../errors.ts'
import { hardwareKeys } from '../left-to-cosign.ts'

export function refuseHardwareKey(sk: boolean | undefined): void {
  if (sk !== true) return
  throw new CliError('bad_usage', 'PIV tokens (--sk) are not supported', {
    advice: hardwareKeys,
  })
}

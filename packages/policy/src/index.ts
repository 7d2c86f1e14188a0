export { domainOfEmail, normalDomain, normalDomainPattern } from './email-domain.ts'
export { globForRule, matchesGlob, type RuleEffect } from './glob.ts'
export { issuerPattern } from './issuer-pattern.ts'
export { nameForDenial, normalEmail } from './names.ts'

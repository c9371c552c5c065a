// What an uncompressed message contains to make a fragile codec thread fail.

export const POISON = { exit: 'please exit', throw: 'please throw', hang: 'please hang' }

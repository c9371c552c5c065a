// The chart library under the address at which the build puts it: browsers know no package names.
export { default } from 'uplot'

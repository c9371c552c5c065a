// What a viewer chooses at the top of every dashboard: data source, job, instances and workers.

import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'

export const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

const ALL = { selected: true, text: ['All'], value: ['$__all'] }

/** Every variable of a dashboard, each narrowed by those before it. */
export function variables() {
  return [
    new DatasourceVariableBuilder('datasource')
      .label('Data source')
      .type('prometheus')
      .current({ selected: true, text: 'Prometheus', value: 'prometheus' }),
    labelVariable('job', 'Job', 'label_values(echobahn_build_info, job)'),
    labelVariable('instance', 'Instance', 'label_values(echobahn_build_info{job=~"$job"}, instance)'),
    labelVariable('worker', 'Worker', 'label_values(echobahn_connections{job=~"$job", instance=~"$instance"}, worker)'),
  ]
}

function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NumericalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL)
}

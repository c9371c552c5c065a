"""Runs wstest and marks the run and its groups of cases as regions: in Grafana, or in a file.

For the suite's image, which has Python 2.7 alone; `npm run autobahn` does the same by test/autobahn/annotations.ts.

    annotated.py FILE COMMAND...

GRAFANA_URL and GRAFANA_TOKEN choose Grafana, as each region ends; without them all regions are in FILE at the end.
"""

from __future__ import print_function

import httplib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib2

CASE = re.compile(r'^Running test case ID (\d+)\.(\d+)')
# Their groups take as long as the other families, and get regions of their own.
COMPRESSION = ('12', '13')


class Annotations(object):
    def __init__(self, file):
        self.file = file
        self.url = os.environ.get('GRAFANA_URL', '').rstrip('/')
        self.token = os.environ.get('GRAFANA_TOKEN')
        self.regions = []

    def add(self, kind, start, text):
        """start: seconds since 1970; Grafana takes milliseconds."""
        times = {'time': int(start * 1000), 'timeEnd': int(time.time() * 1000)}
        region = dict(times, tags=['autobahn', kind], text=text)
        if self.url and self.token:
            self.post(region)
        else:
            self.regions.append(region)

    def post(self, region):
        headers = {'Authorization': 'Bearer ' + self.token, 'Content-Type': 'application/json'}
        request = urllib2.Request(self.url + '/api/annotations', json.dumps(region), headers)
        try:
            urllib2.urlopen(request, timeout=10).close()
        except (IOError, httplib.HTTPException) as error:
            # What is only for looking at does not fail the run.
            print('Grafana took no annotation: %s' % error, file=sys.stderr)

    def close(self):
        if self.regions:
            with open(self.file, 'w') as output:
                json.dump(self.regions, output, indent=2)


def group_of(line):
    match = CASE.match(line)
    if match is None:
        return None
    family, number = match.groups()
    return family + '.' + number if family in COMPRESSION else family


def main(file, command):
    annotations = Annotations(file)
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    started = since = time.time()
    current = None
    for line in iter(child.stdout.readline, ''):
        sys.stdout.write(line)
        sys.stdout.flush()
        group = group_of(line)
        if group is None or group == current:
            continue
        if current is not None:
            annotations.add('family', since, 'cases ' + current)
        current, since = group, time.time()
    if current is not None:
        annotations.add('family', since, 'cases ' + current)
    status = child.wait()
    annotations.add('run', started, 'Autobahn run')
    annotations.close()
    return status


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))

// See report.h.

#include "report.h"

#include <stdio.h>

#include "latency.h"
#include "load.h"
#include "options.h"

static double ratio(double dividend, double divisor) {
  return divisor > 0 ? dividend / divisor : 0;
}

// JSON needs escapes for these; a blank says as much here.
static void blank_what_json_escapes(char *text) {
  for (char *at = text; *at != 0; at++)
    if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ') *at = ' ';
}

static void print_request(void) {
  const struct frames *frames = load.compressing > 0 ? &message.compressed : &message.plain;
  printf("\"label\":\"%s\",\"conns\":%d,\"payload\":%zu,\"depth\":%d,", options.label, options.connections,
         options.octets, options.depth);
  printf("\"opcode\":\"%s\",\"payload_kind\":\"%s\",", options.opcode == TEXT ? "text" : "binary", options.payload);
  printf("\"deflate_offered\":%d,\"deflate_conns\":%d,\"ext\":\"%s\",", options.deflate, load.compressing,
         load.extensions);
  printf("\"req_frame_bytes\":%zu,", frames->frame_octets);
}

static void print_echoes(const struct stretch *stretch) {
  const double messages = (double)stretch->messages;
  printf("\"seconds\":%.4f,\"messages\":%llu,", stretch->seconds, (unsigned long long)stretch->messages);
  printf("\"msgs_per_s\":%.1f,", ratio(messages, stretch->seconds));
  printf("\"payload_MB_per_s\":%.3f,", ratio(messages * (double)options.octets, stretch->seconds) / 1e6);
  printf("\"rx_wire_MB_per_s\":%.3f,", ratio((double)load.octets, stretch->seconds) / 1e6);
  printf("\"frames_per_msg\":%.3f,", ratio((double)stretch->frames, messages));
  printf("\"rsv1_share\":%.4f,", ratio((double)load.compressed_messages, (double)load.messages));
  printf("\"first_reply_payload_bytes\":%llu,", (unsigned long long)load.first_echo_octets);
}

static void print_latencies(void) {
  printf("\"lat_us\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
         latency_mean() / 1e3, latency_percentile(50) / 1e3, latency_percentile(90) / 1e3,
         latency_percentile(99) / 1e3, latency_percentile(99.9) / 1e3, (double)latencies.greatest / 1e3);
}

static void print_opening(const struct report *report) {
  const double seconds = (double)(load.last_opened_at - load.first_started_at) / 1e9;
  printf("\"handshakes_per_s\":%.1f,", load.last_opened_at == 0 ? 0 : ratio(report->opened, seconds));
  printf("\"handshake_mean_us\":%.1f,", ratio((double)load.opening_ns, report->opened) / 1e3);
  printf("\"handshake_max_us\":%.1f,", (double)load.longest_opening_ns / 1e3);
  printf("\"hs_server_cpu_s\":%.6f,\"hs_client_cpu_s\":%.6f,", report->opening_server_cpu, report->opening_own_cpu);
  printf("\"verified_first_echoes\":%ld,\"errors\":%llu,\"error\":\"%s\",", load.verified,
         (unsigned long long)load.errors, load.first_error);
}

static void print_machine(const struct report *report) {
  const struct stretch *stretch = &report->stretch;
  const double others = stretch->busy - stretch->server_cpu - stretch->own_cpu;
  printf("\"client_cpu_pct\":%.1f,", ratio(stretch->own_cpu, stretch->seconds) * 100);
  printf("\"server_cpu_pct\":%.1f,", ratio(stretch->server_cpu, stretch->seconds) * 100);
  printf("\"server_cpu_us_per_msg\":%.3f,", ratio(stretch->server_cpu * 1e6, (double)stretch->messages));
  printf("\"other_cpu_pct\":%.1f,", ratio(others, stretch->seconds) * 100);
  printf("\"steal_pct\":%.1f,", ratio(stretch->stolen, stretch->seconds) * 100);
  printf("\"server_procs\":%d,", report->processes);
  printf("\"server_rss_MB_before\":%.3f,\"server_rss_MB_after\":%.3f,", report->memory_before.resident,
         report->memory_after.resident);
  printf("\"server_pss_MB_before\":%.3f,\"server_pss_MB_after\":%.3f", report->memory_before.proportional,
         report->memory_after.proportional);
}

void print_report(const struct report *report) {
  blank_what_json_escapes(load.first_error);
  blank_what_json_escapes(load.extensions);
  putchar('{');
  print_request();
  print_echoes(&report->stretch);
  print_latencies();
  print_opening(report);
  print_machine(report);
  puts("}");
  fflush(stdout);
}

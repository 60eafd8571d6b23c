#include "firmware/mx_driver.h"

// Reset values of csr.def; only that of ID is used.
static const uint32_t reset_value[] = {
#define CSR(name, offset, access, reset, text) [MX_CSR_##name / 4] = reset,
#include "golden/csr.def"
};

static uint32_t read(const mx_device *dev, uint32_t offset) { return dev->mmio.read(dev->mmio.self, offset); }

static void write(const mx_device *dev, uint32_t offset, uint32_t value) {
  dev->mmio.write(dev->mmio.self, offset, value);
}

const char *mx_driver_text(mx_driver_status s) {
  switch (s) {
    case MX_DRIVER_OK: return "no error";
    case MX_DRIVER_NO_DEVICE: return "there is no mxforge device";
    case MX_DRIVER_OTHER_BUILD: return "the program was made for another build of the device";
    case MX_DRIVER_BUSY: return "the device is busy";
    case MX_DRIVER_FAULT: return "the device stopped with a fault";
    case MX_DRIVER_TIMEOUT: return "the device did not finish in time";
    case MX_DRIVER_NOT_DONE: return "the device did not start";
    case MX_DRIVER_MEMORY: return "the device's memory could not be reached";
    case MX_DRIVER_CONTEXT_FULL: return "the context is full";
    case MX_DRIVER_BAD_TOKEN: return "the token is outside the vocabulary";
    case MX_DRIVER_BAD_IMAGE: return "not a program image";
    case MX_DRIVER_NO_BOS: return "the text does not begin with the token of beginning, which the image's prefix ends with";
    default: return "unknown status";
  }
}

const char *mx_driver_fault_text(uint32_t fault) {
  switch (fault) {
#define FAULT(name, code, text) case code: return text;
#include "golden/csr.def"
    default: return "unknown fault code";
  }
}

mx_driver_status mx_driver_probe(mx_device *dev, uint32_t build_id) {
  dev->fault = dev->fault_address = 0;
  if (read(dev, MX_CSR_ID) != reset_value[MX_CSR_ID / 4]) return MX_DRIVER_NO_DEVICE;
  dev->build_id = read(dev, MX_CSR_BUILD_ID);
  return dev->build_id == build_id ? MX_DRIVER_OK : MX_DRIVER_OTHER_BUILD;
}

// Poll STATUS until BUSY is clear; *status is what was read last.
static mx_driver_status wait_idle(const mx_device *dev, uint32_t max_polls, uint32_t *status) {
  for (uint32_t polls = 0;; polls++) {
    *status = read(dev, MX_CSR_STATUS);
    if (!(*status & MX_STATUS_BUSY)) return MX_DRIVER_OK;
    if (polls == max_polls || !dev->mmio.wait(dev->mmio.self, polls)) return MX_DRIVER_TIMEOUT;
  }
}

mx_driver_status mx_driver_reset(mx_device *dev, uint32_t max_polls) {
  uint32_t status;
  write(dev, MX_CSR_CONTROL, MX_CONTROL_RESET);
  mx_driver_status s = wait_idle(dev, max_polls, &status);
  if (s) return s;
  dev->fault = dev->fault_address = 0;
  write(dev, MX_CSR_IRQ_STATUS, 1);
  write(dev, MX_CSR_IRQ_ENABLE, !dev->polled);
  return MX_DRIVER_OK;
}

void mx_driver_set_memory(mx_device *dev, uint64_t base, uint32_t bytes) {
  write(dev, MX_CSR_MEM_BASE_LO, (uint32_t)base);
  write(dev, MX_CSR_MEM_BASE_HI, (uint32_t)(base >> 32));
  write(dev, MX_CSR_MEM_SIZE, bytes);
}

mx_driver_status mx_driver_start(mx_device *dev, uint32_t program, const uint32_t args[MX_ARGS]) {
  if (read(dev, MX_CSR_STATUS) & MX_STATUS_BUSY) return MX_DRIVER_BUSY;
  write(dev, MX_CSR_PROGRAM, program);
  for (uint32_t i = 0; i < MX_ARGS; i++) write(dev, MX_CSR_ARG1 + 4 * i, args[i]);
  write(dev, MX_CSR_IRQ_STATUS, 1);
  write(dev, MX_CSR_CONTROL, MX_CONTROL_START);
  return MX_DRIVER_OK;
}

mx_driver_status mx_driver_wait(mx_device *dev, uint32_t max_polls) {
  uint32_t status;
  mx_driver_status s = wait_idle(dev, max_polls, &status);
  if (s) return s;
  if (status & MX_STATUS_FAULT) {
    dev->fault = read(dev, MX_CSR_ERROR);
    dev->fault_address = read(dev, MX_CSR_ERROR_PC);
    return MX_DRIVER_FAULT;
  }
  return status & MX_STATUS_DONE ? MX_DRIVER_OK : MX_DRIVER_NOT_DONE;
}

void mx_driver_counters(const mx_device *dev, mx_counters *out) {
#define COUNTER(name) out->name = read(dev, MX_CSR_##name);
  MX_COUNTERS(COUNTER)
#undef COUNTER
}

uint32_t mx_driver_cycles(const mx_device *dev) { return read(dev, MX_CSR_CYCLES); }

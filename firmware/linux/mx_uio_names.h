#ifndef MX_UIO_NAMES_H
#define MX_UIO_NAMES_H
// By what a board's Linux knows the device; device-tree sources include this file
// too, so it holds nothing but macros.
#define MX_UIO_NAME "mxforge"             // of the UIO device, /sys/class/uio/uio*/name
#define MX_UIO_COMPATIBLE "mxforge,mxforge-1"  // of the device-tree node
#define MX_UIO_BUFFER "udmabuf-mxforge"   // of the u-dma-buf device
#endif

# accuracy.csv as a Markdown table.
row(f) {
  if (!n++) {
    print "| model | weights | block | bits | activations | KV cache | method | perplexity | FP32 | loss |"
    print "|---|---|---|---|---|---|---|---|---|---|"
  }
  printf "| %s | %s | %s | %s | %s | %s | %s | %.4f | %.4f | %+.2f %% |\n", f[1], f[2], f[5], f[7], f[3], f[4], f[6], f[8], f[9], loss(f)
}

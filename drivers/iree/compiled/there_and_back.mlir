// The program of `cts.work_cases.program`: on the first device x + 1, on the second twice that, and
// on the first again less 3.
func.func @there_and_back(%x: tensor<16xf32>) -> tensor<16xf32> {
  %one = arith.constant dense<1.0> : tensor<16xf32>
  %two = arith.constant dense<2.0> : tensor<16xf32>
  %three = arith.constant dense<3.0> : tensor<16xf32>
  %here = flow.tensor.transfer %x : tensor<16xf32> to #hal.device.promise<@first>
  %more = arith.addf %here, %one : tensor<16xf32>
  %there = flow.tensor.transfer %more : tensor<16xf32> to #hal.device.promise<@second>
  %twice = arith.mulf %there, %two : tensor<16xf32>
  %back = flow.tensor.transfer %twice : tensor<16xf32> to #hal.device.promise<@first>
  %less = arith.subf %back, %three : tensor<16xf32>
  return %less : tensor<16xf32>
}

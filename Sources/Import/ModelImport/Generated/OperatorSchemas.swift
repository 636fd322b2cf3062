// Written by generate_schemas.py; do not edit.

/// One operator a line: qualified name, then arguments with their defaults.
let operatorSchemaText = #"""
    aten.__and__.Scalar self other
    aten.__and__.Tensor self other
    aten.__iand__.Scalar self other
    aten.__iand__.Tensor self other
    aten.__ilshift__.Scalar self other
    aten.__ilshift__.Tensor self other
    aten.__ior__.Scalar self other
    aten.__ior__.Tensor self other
    aten.__irshift__.Scalar self other
    aten.__irshift__.Tensor self other
    aten.__ixor__.Scalar self other
    aten.__ixor__.Tensor self other
    aten.__lshift__.Scalar self other
    aten.__lshift__.Tensor self other
    aten.__or__.Scalar self other
    aten.__or__.Tensor self other
    aten.__rshift__.Scalar self other
    aten.__rshift__.Tensor self other
    aten.__xor__.Scalar self other
    aten.__xor__.Tensor self other
    aten._adaptive_avg_pool2d.default self output_size
    aten._adaptive_avg_pool2d_backward.default grad_output self
    aten._adaptive_avg_pool3d.default self output_size
    aten._assert_async.default self
    aten._assert_async.msg self assert_msg
    aten._assert_scalar.default self assert_msg
    aten._assert_tensor_metadata.default a size=n stride=n dtype=n device=n layout=n
    aten._autocast_to_full_precision.default self cuda_enabled cpu_enabled
    aten._autocast_to_reduced_precision.default self cuda_enabled cpu_enabled cuda_dtype cpu_dtype
    aten._cdist_forward.default x1 x2 p compute_mode
    aten._conj.default self
    aten._conj_physical.default self
    aten._conv_depthwise2d.default self weight kernel_size bias stride padding dilation
    aten._convolution.default input weight bias stride padding dilation transposed output_padding groups benchmark deterministic cudnn_enabled allow_tf32
    aten._convolution.deprecated input weight bias stride padding dilation transposed output_padding groups benchmark deterministic cudnn_enabled
    aten._efficientzerotensor.default size dtype=n layout=n device=n pin_memory=n
    aten._embedding_bag.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0 padding_idx=i-1
    aten._embedding_bag_forward_only.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0 padding_idx=i-1
    aten._euclidean_dist.default x1 x2
    aten._fft_c2c.default self dim normalization forward
    aten._fft_c2r.default self dim normalization last_dim_size
    aten._fft_r2c.default self dim normalization onesided
    aten._fused_rms_norm.default input normalized_shape weight eps
    aten._index_put_impl.default self indices values accumulate=b0 unsafe=b0
    aten._index_put_impl_.default self indices values accumulate=b0 unsafe=b0
    aten._index_put_impl_.hacked_twin self indices values accumulate=b0 unsafe=b0
    aten._int_mm.default self mat2
    aten._local_scalar_dense.default self
    aten._log_softmax.default self dim half_to_float
    aten._native_batch_norm_legit.default input weight bias running_mean running_var training momentum eps
    aten._native_batch_norm_legit.no_stats input weight bias training momentum eps
    aten._native_batch_norm_legit_functional.default input weight bias running_mean running_var training momentum eps
    aten._native_batch_norm_legit_no_training.default input weight bias running_mean running_var momentum eps
    aten._native_multi_head_attention.default query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias mask=n need_weights=b1 average_attn_weights=b1 mask_type=n
    aten._pad_circular.default self pad
    aten._pad_enum.default self pad mode value=n
    aten._pdist_forward.default self p=f2.0
    aten._prelu_kernel.default self weight
    aten._reshape_alias.default self size stride
    aten._safe_softmax.default self dim dtype=n
    aten._scaled_dot_product_attention_math.default query key value attn_mask=n dropout_p=f0.0 is_causal=b0 dropout_mask=n scale=n enable_gqa=b0
    aten._scaled_dot_product_efficient_attention.default query key value attn_bias compute_log_sumexp dropout_p=f0.0 is_causal=b0 scale=n
    aten._scaled_dot_product_flash_attention.default query key value dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_flash_attention.quantized query key value q_descale k_descale v_descale dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_flash_attention_for_cpu.default query key value dropout_p=f0.0 is_causal=b0 attn_mask=n scale=n
    aten._scaled_dot_product_fused_attention_overrideable.default query key value attn_bias=n dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._slow_conv2d_forward.default self weight kernel_size bias stride padding
    aten._softmax.default self dim half_to_float
    aten._stack.default tensors dim=i0
    aten._to_copy.default self dtype=n layout=n device=n pin_memory=n non_blocking=b0 memory_format=n
    aten._trilinear.default i1 i2 i3 expand1 expand2 expand3 sumdim unroll_dim=i1
    aten._unsafe_index.Tensor self indices
    aten._unsafe_index.Tensor_hacked_twin self indices
    aten._unsafe_index_put.default self indices values accumulate=b0
    aten._unsafe_index_put.hacked_twin self indices values accumulate=b0
    aten._unsafe_view.default self size
    aten._upsample_nearest_exact1d.default self output_size scales=n
    aten._upsample_nearest_exact1d.vec input output_size scale_factors
    aten._upsample_nearest_exact2d.default self output_size scales_h=n scales_w=n
    aten._upsample_nearest_exact2d.vec input output_size scale_factors
    aten._upsample_nearest_exact3d.default self output_size scales_d=n scales_h=n scales_w=n
    aten._upsample_nearest_exact3d.vec input output_size scale_factors
    aten._weight_norm.default v g dim=i0
    aten._weight_norm_interface.default v g dim=i0
    aten.abs.default self
    aten.abs_.default self
    aten.absolute.default self
    aten.absolute_.default self
    aten.acos.default self
    aten.acos_.default self
    aten.acosh.default self
    aten.acosh_.default self
    aten.adaptive_avg_pool1d.default self output_size
    aten.adaptive_avg_pool2d.default self output_size
    aten.adaptive_avg_pool3d.default self output_size
    aten.adaptive_max_pool1d.default self output_size
    aten.adaptive_max_pool2d.default self output_size
    aten.adaptive_max_pool3d.default self output_size
    aten.add.Scalar self other alpha=i1
    aten.add.Tensor self other alpha=i1
    aten.add_.Scalar self other alpha=i1
    aten.add_.Tensor self other alpha=i1
    aten.addbmm.default self batch1 batch2 beta=i1 alpha=i1
    aten.addbmm_.default self batch1 batch2 beta=i1 alpha=i1
    aten.addcdiv.default self tensor1 tensor2 value=i1
    aten.addcdiv_.default self tensor1 tensor2 value=i1
    aten.addcmul.default self tensor1 tensor2 value=i1
    aten.addcmul_.default self tensor1 tensor2 value=i1
    aten.addmm.default self mat1 mat2 beta=i1 alpha=i1
    aten.addmm.dtype self mat1 mat2 out_dtype beta=i1 alpha=i1
    aten.addmm_.default self mat1 mat2 beta=i1 alpha=i1
    aten.addmv.default self mat vec beta=i1 alpha=i1
    aten.addmv_.default self mat vec beta=i1 alpha=i1
    aten.addr.default self vec1 vec2 beta=i1 alpha=i1
    aten.addr_.default self vec1 vec2 beta=i1 alpha=i1
    aten.adjoint.default self
    aten.affine_grid_generator.default theta size align_corners
    aten.alias.default self
    aten.alias_copy.default self
    aten.all.default self
    aten.all.dim self dim keepdim=b0
    aten.all.dims self dim=n keepdim=b0
    aten.alpha_dropout.default input p train
    aten.alpha_dropout_.default self p train
    aten.amax.default self dim=I keepdim=b0
    aten.amin.default self dim=I keepdim=b0
    aten.aminmax.default self dim=n keepdim=b0
    aten.angle.default self
    aten.any.default self
    aten.any.dim self dim keepdim=b0
    aten.any.dims self dim=n keepdim=b0
    aten.arange.default end dtype=n layout=n device=n pin_memory=n
    aten.arange.start start end dtype=n layout=n device=n pin_memory=n
    aten.arange.start_step start end step=i1 dtype=n layout=n device=n pin_memory=n
    aten.arccos.default self
    aten.arccos_.default self
    aten.arccosh.default self
    aten.arccosh_.default self
    aten.arcsin.default self
    aten.arcsin_.default self
    aten.arcsinh.default self
    aten.arcsinh_.default self
    aten.arctan.default self
    aten.arctan2.default self other
    aten.arctan2_.default self other
    aten.arctan_.default self
    aten.arctanh.default self
    aten.arctanh_.default self
    aten.argmax.default self dim=n keepdim=b0
    aten.argmin.default self dim=n keepdim=b0
    aten.argsort.default self dim=i-1 descending=b0
    aten.argsort.stable self stable dim=i-1 descending=b0
    aten.as_strided.default self size stride storage_offset=n
    aten.as_strided_.default self size stride storage_offset=n
    aten.as_strided_copy.default self size stride storage_offset=n
    aten.asin.default self
    aten.asin_.default self
    aten.asinh.default self
    aten.asinh_.default self
    aten.atan.default self
    aten.atan2.default self other
    aten.atan2_.default self other
    aten.atan_.default self
    aten.atanh.default self
    aten.atanh_.default self
    aten.atleast_1d.Sequence tensors
    aten.atleast_1d.default self
    aten.atleast_2d.Sequence tensors
    aten.atleast_2d.default self
    aten.atleast_3d.Sequence tensors
    aten.atleast_3d.default self
    aten.avg_pool1d.default self kernel_size stride=I padding=I0 ceil_mode=b0 count_include_pad=b1
    aten.avg_pool2d.default self kernel_size stride=I padding=I0,0 ceil_mode=b0 count_include_pad=b1 divisor_override=n
    aten.avg_pool2d_backward.default grad_output self kernel_size stride padding ceil_mode count_include_pad divisor_override
    aten.avg_pool3d.default self kernel_size stride=I padding=I0,0,0 ceil_mode=b0 count_include_pad=b1 divisor_override=n
    aten.baddbmm.default self batch1 batch2 beta=i1 alpha=i1
    aten.baddbmm.dtype self batch1 batch2 out_dtype beta=i1 alpha=i1
    aten.baddbmm_.default self batch1 batch2 beta=i1 alpha=i1
    aten.batch_norm.default input weight bias running_mean running_var training momentum eps cudnn_enabled
    aten.bernoulli.Tensor self p generator=n
    aten.bernoulli.default self generator=n
    aten.bernoulli.p self p generator=n
    aten.bernoulli_.Tensor self p generator=n
    aten.bernoulli_.float self p=f0.5 generator=n
    aten.bilinear.default input1 input2 weight bias=n
    aten.binary_cross_entropy.default self target weight=n reduction=i1
    aten.binary_cross_entropy_with_logits.default self target weight=n pos_weight=n reduction=i1
    aten.bitwise_and.Scalar self other
    aten.bitwise_and.Scalar_Tensor self other
    aten.bitwise_and.Tensor self other
    aten.bitwise_and_.Scalar self other
    aten.bitwise_and_.Tensor self other
    aten.bitwise_left_shift.Scalar_Tensor self other
    aten.bitwise_left_shift.Tensor self other
    aten.bitwise_left_shift.Tensor_Scalar self other
    aten.bitwise_left_shift_.Tensor self other
    aten.bitwise_left_shift_.Tensor_Scalar self other
    aten.bitwise_not.default self
    aten.bitwise_not_.default self
    aten.bitwise_or.Scalar self other
    aten.bitwise_or.Scalar_Tensor self other
    aten.bitwise_or.Tensor self other
    aten.bitwise_or_.Scalar self other
    aten.bitwise_or_.Tensor self other
    aten.bitwise_right_shift.Scalar_Tensor self other
    aten.bitwise_right_shift.Tensor self other
    aten.bitwise_right_shift.Tensor_Scalar self other
    aten.bitwise_right_shift_.Tensor self other
    aten.bitwise_right_shift_.Tensor_Scalar self other
    aten.bitwise_xor.Scalar self other
    aten.bitwise_xor.Scalar_Tensor self other
    aten.bitwise_xor.Tensor self other
    aten.bitwise_xor_.Scalar self other
    aten.bitwise_xor_.Tensor self other
    aten.block_diag.default tensors
    aten.bmm.default self mat2
    aten.bmm.dtype self mat2 out_dtype
    aten.broadcast_tensors.default tensors
    aten.broadcast_to.default self size
    aten.bucketize.Scalar self boundaries out_int32=b0 right=b0
    aten.bucketize.Tensor self boundaries out_int32=b0 right=b0
    aten.cat.default tensors dim=i0
    aten.cauchy.default self median=f0.0 sigma=f1.0 generator=n
    aten.cauchy_.default self median=f0.0 sigma=f1.0 generator=n
    aten.cdist.default x1 x2 p=f2.0 compute_mode=n
    aten.ceil.default self
    aten.ceil_.default self
    aten.celu.default self alpha=f1.0
    aten.celu_.default self alpha=f1.0
    aten.channel_shuffle.default self groups
    aten.chunk.default self chunks dim=i0
    aten.clamp.Tensor self min=n max=n
    aten.clamp.default self min=n max=n
    aten.clamp_.Tensor self min=n max=n
    aten.clamp_.default self min=n max=n
    aten.clamp_max.Tensor self max
    aten.clamp_max.default self max
    aten.clamp_max_.Tensor self max
    aten.clamp_max_.default self max
    aten.clamp_min.Tensor self min
    aten.clamp_min.default self min
    aten.clamp_min_.Tensor self min
    aten.clamp_min_.default self min
    aten.clip.Tensor self min=n max=n
    aten.clip.default self min=n max=n
    aten.clip_.Tensor self min=n max=n
    aten.clip_.default self min=n max=n
    aten.clone.default self memory_format=n
    aten.col2im.default self output_size kernel_size dilation padding stride
    aten.column_stack.default tensors
    aten.complex.default real imag
    aten.concat.default tensors dim=i0
    aten.concatenate.default tensors dim=i0
    aten.conj.default self
    aten.conj_physical.default self
    aten.conj_physical_.default self
    aten.constant_pad_nd.default self pad value=i0
    aten.contiguous.default self memory_format=i0
    aten.conv1d.default input weight bias=n stride=I1 padding=I0 dilation=I1 groups=i1
    aten.conv1d.padding input weight bias=n stride=I1 padding=svalid dilation=I1 groups=i1
    aten.conv2d.default input weight bias=n stride=I1,1 padding=I0,0 dilation=I1,1 groups=i1
    aten.conv2d.padding input weight bias=n stride=I1,1 padding=svalid dilation=I1,1 groups=i1
    aten.conv3d.default input weight bias=n stride=I1,1,1 padding=I0,0,0 dilation=I1,1,1 groups=i1
    aten.conv3d.padding input weight bias=n stride=I1,1,1 padding=svalid dilation=I1,1,1 groups=i1
    aten.conv_depthwise3d.default self weight kernel_size bias stride padding dilation
    aten.conv_transpose1d.default input weight bias=n stride=I1 padding=I0 output_padding=I0 groups=i1 dilation=I1
    aten.conv_transpose2d.input input weight bias=n stride=I1,1 padding=I0,0 output_padding=I0,0 groups=i1 dilation=I1,1
    aten.conv_transpose3d.input input weight bias=n stride=I1,1,1 padding=I0,0,0 output_padding=I0,0,0 groups=i1 dilation=I1,1,1
    aten.convolution.default input weight bias stride padding dilation transposed output_padding groups
    aten.convolution_backward.default grad_output input weight bias_sizes stride padding dilation transposed output_padding groups output_mask
    aten.copy.Dict_Tensor self
    aten.copy.default self src non_blocking=b0
    aten.copy_.Tensor self other
    aten.copy_.default self src non_blocking=b0
    aten.copy_.float self other
    aten.copy_.int self other
    aten.copysign.Scalar self other
    aten.copysign.Tensor self other
    aten.copysign_.Scalar self other
    aten.copysign_.Tensor self other
    aten.cos.default self
    aten.cos_.default self
    aten.cosh.default self
    aten.cosh_.default self
    aten.cosine_embedding_loss.default input1 input2 target margin=f0.0 reduction=i1
    aten.cosine_similarity.default x1 x2 dim=i1 eps=f1e-08
    aten.count_nonzero.default self dim=n
    aten.count_nonzero.dim_IntList self dim
    aten.cross.default self other dim=n
    aten.cross_entropy_loss.default self target weight=n reduction=i1 ignore_index=i-100 label_smoothing=f0.0
    aten.cummax.default self dim
    aten.cummin.default self dim
    aten.cumprod.default self dim dtype=n
    aten.cumprod_.default self dim dtype=n
    aten.cumsum.default self dim dtype=n
    aten.cumsum_.default self dim dtype=n
    aten.data.default self
    aten.deg2rad.default self
    aten.deg2rad_.default self
    aten.dequantize.list qtensors
    aten.dequantize.self self
    aten.dequantize.tensor qtensor
    aten.dequantize.tensors tensors
    aten.detach.default self
    aten.detach_.default self
    aten.detach_copy.default self
    aten.diag.default self diagonal=i0
    aten.diag_embed.default self offset=i0 dim1=i-2 dim2=i-1
    aten.diagonal.default self offset=i0 dim1=i0 dim2=i1
    aten.diagonal_copy.default self offset=i0 dim1=i0 dim2=i1
    aten.diagonal_scatter.default self src offset=i0 dim1=i0 dim2=i1
    aten.diff.default self n=i1 dim=i-1 prepend=n append=n
    aten.digamma.default self
    aten.digamma_.default self
    aten.dist.default self other p=i2
    aten.div.Scalar self other
    aten.div.Scalar_mode self other rounding_mode
    aten.div.Tensor self other
    aten.div.Tensor_mode self other rounding_mode
    aten.div_.Scalar self other
    aten.div_.Scalar_mode self other rounding_mode
    aten.div_.Tensor self other
    aten.div_.Tensor_mode self other rounding_mode
    aten.divide.Scalar self other
    aten.divide.Scalar_mode self other rounding_mode
    aten.divide.Tensor self other
    aten.divide.Tensor_mode self other rounding_mode
    aten.divide_.Scalar self other
    aten.divide_.Scalar_mode self other rounding_mode
    aten.divide_.Tensor self other
    aten.divide_.Tensor_mode self other rounding_mode
    aten.dot.default self tensor
    aten.dropout.default input p train
    aten.dropout_.default self p train
    aten.dsplit.array self indices
    aten.dsplit.int self sections
    aten.dstack.default tensors
    aten.einsum.default equation tensors path=n
    aten.einsum.sublist a
    aten.elu.default self alpha=i1 scale=i1 input_scale=i1
    aten.elu_.default self alpha=i1 scale=i1 input_scale=i1
    aten.embedding.default weight indices padding_idx=i-1 scale_grad_by_freq=b0 sparse=b0
    aten.embedding_bag.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0
    aten.embedding_bag.padding_idx weight indices offsets scale_grad_by_freq mode sparse per_sample_weights include_last_offset padding_idx
    aten.embedding_dense_backward.default grad_output indices num_weights padding_idx scale_grad_by_freq
    aten.embedding_renorm.default self indices max_norm norm_type
    aten.embedding_renorm_.default self indices max_norm norm_type
    aten.empty.memory_format size dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.empty_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.empty_permuted.default size physical_layout dtype=n layout=n device=n pin_memory=n
    aten.empty_strided.default size stride dtype=n layout=n device=n pin_memory=n
    aten.eq.Scalar self other
    aten.eq.Tensor self other
    aten.eq_.Scalar self other
    aten.eq_.Tensor self other
    aten.erf.default self
    aten.erf_.default self
    aten.erfc.default self
    aten.erfc_.default self
    aten.erfinv.default self
    aten.erfinv_.default self
    aten.exp.default self
    aten.exp2.default self
    aten.exp2_.default self
    aten.exp_.default self
    aten.expand.default self size implicit=b0
    aten.expand_as.default self other
    aten.expand_copy.default self size implicit=b0
    aten.expm1.default self
    aten.expm1_.default self
    aten.exponential.default self lambd=f1.0 generator=n
    aten.exponential_.default self lambd=f1.0 generator=n
    aten.eye.default n dtype=n layout=n device=n pin_memory=n
    aten.eye.m n m dtype=n layout=n device=n pin_memory=n
    aten.feature_alpha_dropout.default input p train
    aten.feature_alpha_dropout_.default self p train
    aten.feature_dropout.default input p train
    aten.feature_dropout_.default self p train
    aten.fft_fft.default self n=n dim=i-1 norm=n
    aten.fft_fft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_fftn.default self s=n dim=n norm=n
    aten.fft_fftshift.default self dim=n
    aten.fft_ifft.default self n=n dim=i-1 norm=n
    aten.fft_ifft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_ifftn.default self s=n dim=n norm=n
    aten.fft_ifftshift.default self dim=n
    aten.fft_irfft.default self n=n dim=i-1 norm=n
    aten.fft_irfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_irfftn.default self s=n dim=n norm=n
    aten.fft_rfft.default self n=n dim=i-1 norm=n
    aten.fft_rfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_rfftn.default self s=n dim=n norm=n
    aten.fill.Scalar self value
    aten.fill.Tensor self value
    aten.fill_.Scalar self value
    aten.fill_.Tensor self value
    aten.fix.default self
    aten.fix_.default self
    aten.flatten.using_ints self start_dim=i0 end_dim=i-1
    aten.flip.default self dims
    aten.fliplr.default self
    aten.flipud.default self
    aten.float_power.Scalar self exponent
    aten.float_power.Tensor_Scalar self exponent
    aten.float_power.Tensor_Tensor self exponent
    aten.float_power_.Scalar self exponent
    aten.float_power_.Tensor self exponent
    aten.floor.default self
    aten.floor_.default self
    aten.floor_divide.Scalar self other
    aten.floor_divide.default self other
    aten.floor_divide_.Scalar self other
    aten.floor_divide_.Tensor self other
    aten.fmax.default self other
    aten.fmin.default self other
    aten.fmod.Scalar self other
    aten.fmod.Tensor self other
    aten.fmod_.Scalar self other
    aten.fmod_.Tensor self other
    aten.frac.default self
    aten.frac_.default self
    aten.frobenius_norm.dim self dim keepdim=b0
    aten.full.default size fill_value dtype=n layout=n device=n pin_memory=n
    aten.full_like.default self fill_value dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.gather.default self dim index sparse_grad=b0
    aten.ge.Scalar self other
    aten.ge.Tensor self other
    aten.ge_.Scalar self other
    aten.ge_.Tensor self other
    aten.gelu.default self approximate=snone
    aten.gelu_.default self approximate=snone
    aten.geometric.default self p generator=n
    aten.geometric_.default self p generator=n
    aten.ger.default self vec2
    aten.glu.default self dim=i-1
    aten.greater.Scalar self other
    aten.greater.Tensor self other
    aten.greater_.Scalar self other
    aten.greater_.Tensor self other
    aten.greater_equal.Scalar self other
    aten.greater_equal.Tensor self other
    aten.greater_equal_.Scalar self other
    aten.greater_equal_.Tensor self other
    aten.grid_sampler.default input grid interpolation_mode padding_mode align_corners
    aten.grid_sampler_2d.default input grid interpolation_mode padding_mode align_corners
    aten.group_norm.default input num_groups weight=n bias=n eps=f1e-05 cudnn_enabled=b1
    aten.gru.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.gru.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.gru_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.gt.Scalar self other
    aten.gt.Tensor self other
    aten.gt_.Scalar self other
    aten.gt_.Tensor self other
    aten.hardshrink.default self lambd=f0.5
    aten.hardsigmoid.default self
    aten.hardsigmoid_.default self
    aten.hardswish.default self
    aten.hardswish_.default self
    aten.hardtanh.default self min_val=i-1 max_val=i1
    aten.hardtanh_.default self min_val=i-1 max_val=i1
    aten.heaviside.default self values
    aten.heaviside_.default self values
    aten.hinge_embedding_loss.default self target margin=f1.0 reduction=i1
    aten.histc.default self bins=i100 min=i0 max=i0
    aten.hsplit.array self indices
    aten.hsplit.int self sections
    aten.hstack.default tensors
    aten.huber_loss.default self target reduction=i1 delta=f1.0
    aten.hypot.default self other
    aten.hypot_.default self other
    aten.im2col.default self kernel_size dilation padding stride
    aten.imag.default self
    aten.index.Tensor self indices
    aten.index.Tensor_hacked_twin self indices
    aten.index_add.default self dim index source alpha=i1
    aten.index_add_.default self dim index source alpha=i1
    aten.index_copy.default self dim index source
    aten.index_copy_.default self dim index source
    aten.index_fill.int_Scalar self dim index value
    aten.index_fill.int_Tensor self dim index value
    aten.index_fill_.int_Scalar self dim index value
    aten.index_fill_.int_Tensor self dim index value
    aten.index_put.default self indices values accumulate=b0
    aten.index_put.hacked_twin self indices values accumulate=b0
    aten.index_put_.default self indices values accumulate=b0
    aten.index_put_.hacked_twin self indices values accumulate=b0
    aten.index_select.default self dim index
    aten.inner.default self other
    aten.instance_norm.default input weight bias running_mean running_var use_input_stats momentum eps cudnn_enabled
    aten.isclose.default self other rtol=f1e-05 atol=f1e-08 equal_nan=b0
    aten.isfinite.default self
    aten.isin.Scalar_Tensor element test_elements assume_unique=b0 invert=b0
    aten.isin.Tensor_Scalar elements test_element assume_unique=b0 invert=b0
    aten.isin.Tensor_Tensor elements test_elements assume_unique=b0 invert=b0
    aten.isinf.default self
    aten.isnan.default self
    aten.isneginf.default self
    aten.isposinf.default self
    aten.isreal.default self
    aten.item.default self
    aten.kl_div.default self target reduction=i1 log_target=b0
    aten.kron.default self other
    aten.kthvalue.default self k dim=i-1 keepdim=b0
    aten.l1_loss.default self target reduction=i1
    aten.layer_norm.default input normalized_shape weight=n bias=n eps=f1e-05 cudnn_enable=b1
    aten.ldexp.Tensor self other
    aten.ldexp_.default self other
    aten.le.Scalar self other
    aten.le.Tensor self other
    aten.le_.Scalar self other
    aten.le_.Tensor self other
    aten.leaky_relu.default self negative_slope=f0.01
    aten.leaky_relu_.default self negative_slope=f0.01
    aten.lerp.Scalar self end weight
    aten.lerp.Tensor self end weight
    aten.lerp_.Scalar self end weight
    aten.lerp_.Tensor self end weight
    aten.less.Scalar self other
    aten.less.Tensor self other
    aten.less_.Scalar self other
    aten.less_.Tensor self other
    aten.less_equal.Scalar self other
    aten.less_equal.Tensor self other
    aten.less_equal_.Scalar self other
    aten.less_equal_.Tensor self other
    aten.lgamma.default self
    aten.lgamma_.default self
    aten.lift.default self
    aten.lift_fresh.default self
    aten.lift_fresh_copy.default self
    aten.linalg_cross.default self other dim=i-1
    aten.linalg_matmul.default self other
    aten.linalg_matrix_norm.default self ord dim=I-2,-1 keepdim=b0 dtype=n
    aten.linalg_matrix_norm.str_ord self ord=sfro dim=I-2,-1 keepdim=b0 dtype=n
    aten.linalg_norm.default self ord=n dim=n keepdim=b0 dtype=n
    aten.linalg_norm.ord_str self ord dim=n keepdim=b0 dtype=n
    aten.linalg_vecdot.default x y dim=i-1
    aten.linalg_vector_norm.default self ord=i2 dim=n keepdim=b0 dtype=n
    aten.linear.default input weight bias=n
    aten.linspace.Scalar_Tensor start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.Tensor_Scalar start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.Tensor_Tensor start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.default start end steps dtype=n layout=n device=n pin_memory=n
    aten.log.default self
    aten.log10.default self
    aten.log10_.default self
    aten.log1p.default self
    aten.log1p_.default self
    aten.log2.default self
    aten.log2_.default self
    aten.log_.default self
    aten.log_normal.default self mean=f1.0 std=f2.0 generator=n
    aten.log_normal_.default self mean=f1.0 std=f2.0 generator=n
    aten.log_sigmoid.default self
    aten.log_sigmoid_forward.default self
    aten.log_softmax.int self dim dtype=n
    aten.logaddexp.default self other
    aten.logcumsumexp.default self dim
    aten.logical_and.default self other
    aten.logical_and_.default self other
    aten.logical_not.default self
    aten.logical_not_.default self
    aten.logical_or.default self other
    aten.logical_or_.default self other
    aten.logical_xor.default self other
    aten.logical_xor_.default self other
    aten.logit.default self eps=n
    aten.logit_.default self eps=n
    aten.logsumexp.default self dim keepdim=b0
    aten.lstm.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.lstm.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.lstm_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.lt.Scalar self other
    aten.lt.Tensor self other
    aten.lt_.Scalar self other
    aten.lt_.Tensor self other
    aten.mH.a self
    aten.mH.default self
    aten.mT.a self
    aten.mT.default self
    aten.margin_ranking_loss.default input1 input2 target margin=f0.0 reduction=i1
    aten.masked_fill.Scalar self mask value
    aten.masked_fill.Tensor self mask value
    aten.masked_fill_.Scalar self mask value
    aten.masked_fill_.Tensor self mask value
    aten.masked_scatter.default self mask source
    aten.masked_scatter_.default self mask source
    aten.matmul.default self other
    aten.matrix_H.a self
    aten.matrix_H.default self
    aten.max.default self
    aten.max.dim self dim keepdim=b0
    aten.max.other self other
    aten.max_pool1d.default self kernel_size stride=I padding=I0 dilation=I1 ceil_mode=b0
    aten.max_pool1d_with_indices.default self kernel_size stride=I padding=I0 dilation=I1 ceil_mode=b0
    aten.max_pool2d.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.max_pool2d_with_indices.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.max_pool2d_with_indices_backward.default grad_output self kernel_size stride padding dilation ceil_mode indices
    aten.max_pool3d.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.max_pool3d_with_indices.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.max_unpool2d.default self indices output_size
    aten.maximum.default self other
    aten.mean.default self dtype=n
    aten.mean.dim self dim keepdim=b0 dtype=n
    aten.median.default self
    aten.median.dim self dim keepdim=b0
    aten.meshgrid.default tensors
    aten.meshgrid.indexing tensors indexing
    aten.min.default self
    aten.min.dim self dim keepdim=b0
    aten.min.other self other
    aten.minimum.default self other
    aten.mish.default self
    aten.mish_.default self
    aten.mkldnn_convolution.default self weight bias padding stride dilation groups
    aten.mm.default self mat2
    aten.mm.dtype self mat2 out_dtype
    aten.moveaxis.int self source destination
    aten.moveaxis.intlist self source destination
    aten.movedim.int self source destination
    aten.movedim.intlist self source destination
    aten.mse_loss.default self target reduction=i1
    aten.msort.default self
    aten.mul.Scalar self other
    aten.mul.Tensor self other
    aten.mul_.Scalar self other
    aten.mul_.Tensor self other
    aten.multinomial.default self num_samples replacement=b0 generator=n
    aten.multiply.Scalar self other
    aten.multiply.Tensor self other
    aten.multiply_.Scalar self other
    aten.multiply_.Tensor self other
    aten.mv.default self vec
    aten.nan_to_num.default self nan=n posinf=n neginf=n
    aten.nan_to_num_.default self nan=n posinf=n neginf=n
    aten.nanmean.default self dim=n keepdim=b0 dtype=n
    aten.nanmedian.default self
    aten.nanmedian.dim self dim keepdim=b0
    aten.nansum.default self dim=n keepdim=b0 dtype=n
    aten.narrow.Tensor self dim start length
    aten.narrow.default self dim start length
    aten.narrow_copy.default self dim start length
    aten.native_batch_norm.default input weight bias running_mean running_var training momentum eps
    aten.native_channel_shuffle.default self groups
    aten.native_dropout.default input p train
    aten.native_group_norm.default input weight bias N C HxW group eps
    aten.native_group_norm_backward.default grad_out input mean rstd weight N C HxW group output_mask
    aten.native_layer_norm.default input normalized_shape weight bias eps
    aten.native_layer_norm_backward.default grad_out input normalized_shape mean rstd weight bias output_mask
    aten.ne.Scalar self other
    aten.ne.Tensor self other
    aten.ne_.Scalar self other
    aten.ne_.Tensor self other
    aten.neg.default self
    aten.neg_.default self
    aten.negative.default self
    aten.negative_.default self
    aten.new_empty.default self size dtype=n layout=n device=n pin_memory=n
    aten.new_empty_strided.default self size stride dtype=n layout=n device=n pin_memory=n
    aten.new_full.default self size fill_value dtype=n layout=n device=n pin_memory=n
    aten.new_ones.default self size dtype=n layout=n device=n pin_memory=n
    aten.new_zeros.default self size dtype=n layout=n device=n pin_memory=n
    aten.nll_loss.default self target weight=n reduction=i1 ignore_index=i-100
    aten.nll_loss2d.default self target weight=n reduction=i1 ignore_index=i-100
    aten.nll_loss2d_forward.default self target weight reduction ignore_index
    aten.nll_loss_forward.default self target weight reduction ignore_index
    aten.nll_loss_nd.default self target weight=n reduction=i1 ignore_index=i-100
    aten.norm.Scalar self p=i2
    aten.norm.ScalarOpt_dim self p dim keepdim=b0
    aten.norm.ScalarOpt_dim_dtype self p dim keepdim dtype
    aten.norm.ScalarOpt_dtype self p dtype
    aten.normal.Tensor_Tensor mean std generator=n
    aten.normal.Tensor_float mean std=f1.0 generator=n
    aten.normal.float_Tensor mean std generator=n
    aten.normal.float_float mean std size generator=n dtype=n layout=n device=n pin_memory=n
    aten.normal_.default self mean=f0.0 std=f1.0 generator=n
    aten.normal_functional.default self mean=f0.0 std=f1.0 generator=n
    aten.not_equal.Scalar self other
    aten.not_equal.Tensor self other
    aten.not_equal_.Scalar self other
    aten.not_equal_.Tensor self other
    aten.numpy_T.a self
    aten.numpy_T.default self
    aten.one_hot.default self num_classes=i-1
    aten.ones.default size dtype=n layout=n device=n pin_memory=n
    aten.ones_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.outer.default self vec2
    aten.pad.default self pad mode=sconstant value=n
    aten.pairwise_distance.default x1 x2 p=f2.0 eps=f1e-06 keepdim=b0
    aten.pdist.default self p=f2.0
    aten.permute.default self dims
    aten.permute_copy.default self dims
    aten.pixel_shuffle.default self upscale_factor
    aten.pixel_unshuffle.default self downscale_factor
    aten.poisson_nll_loss.default input target log_input full eps reduction
    aten.polar.default abs angle
    aten.positive.default self
    aten.pow.Scalar self exponent
    aten.pow.Tensor_Scalar self exponent
    aten.pow.Tensor_Tensor self exponent
    aten.pow_.Scalar self exponent
    aten.pow_.Tensor self exponent
    aten.prelu.default self weight
    aten.prod.default self dtype=n
    aten.prod.dim_int self dim keepdim=b0 dtype=n
    aten.rad2deg.default self
    aten.rad2deg_.default self
    aten.rand.default size dtype=n layout=n device=n pin_memory=n
    aten.rand.generator size generator dtype=n layout=n device=n pin_memory=n
    aten.rand_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.rand_like.generator self generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint.default high size dtype=i4 layout=n device=n pin_memory=n
    aten.randint.generator high size generator dtype=i4 layout=n device=n pin_memory=n
    aten.randint.low low high size dtype=i4 layout=n device=n pin_memory=n
    aten.randint.low_generator low high size generator dtype=i4 layout=n device=n pin_memory=n
    aten.randint_like.Tensor self high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.Tensor_generator self high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.default self high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.generator self high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.low_dtype self low high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.low_generator_dtype self low high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randn.default size dtype=n layout=n device=n pin_memory=n
    aten.randn.generator size generator dtype=n layout=n device=n pin_memory=n
    aten.randn_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randn_like.generator self generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.random.default self generator=n
    aten.random.from self from to generator=n
    aten.random.to self to generator=n
    aten.random_.default self generator=n
    aten.random_.from self from to generator=n
    aten.random_.to self to generator=n
    aten.randperm.default n dtype=i4 layout=n device=n pin_memory=n
    aten.randperm.generator n generator dtype=i4 layout=n device=n pin_memory=n
    aten.ravel.default self
    aten.real.default self
    aten.reciprocal.default self
    aten.reciprocal_.default self
    aten.reflection_pad1d.default self padding
    aten.reflection_pad2d.default self padding
    aten.reflection_pad3d.default self padding
    aten.relu.default self
    aten.relu6.default self
    aten.relu6_.default self
    aten.relu_.default self
    aten.remainder.Scalar self other
    aten.remainder.Scalar_Tensor self other
    aten.remainder.Tensor self other
    aten.remainder_.Scalar self other
    aten.remainder_.Tensor self other
    aten.repeat.default self repeats
    aten.repeat_interleave.Tensor repeats output_size=n
    aten.repeat_interleave.self_Tensor self repeats dim=n output_size=n
    aten.repeat_interleave.self_int self repeats dim=n output_size=n
    aten.replication_pad1d.default self padding
    aten.replication_pad2d.default self padding
    aten.replication_pad3d.default self padding
    aten.reshape.default self shape
    aten.reshape_as.default self other
    aten.resize.default self size memory_format=n
    aten.resize_.default self size memory_format=n
    aten.resolve_conj.default self
    aten.resolve_neg.default self
    aten.rms_norm.default input normalized_shape weight=n eps=n
    aten.rnn_relu.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.rnn_relu.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.rnn_relu_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.rnn_tanh.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.rnn_tanh.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.rnn_tanh_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.roll.default self shifts dims=I
    aten.rot90.default self k=i1 dims=I0,1
    aten.round.decimals self decimals
    aten.round.default self
    aten.round_.decimals self decimals
    aten.round_.default self
    aten.row_stack.default tensors
    aten.rrelu.default self lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rrelu_.default self lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rsqrt.default self
    aten.rsqrt_.default self
    aten.rsub.Scalar self other alpha=i1
    aten.rsub.Tensor self other alpha=i1
    aten.scalar_tensor.default s dtype=n layout=n device=n pin_memory=n
    aten.scaled_dot_product_attention.default query key value attn_mask=n dropout_p=f0.0 is_causal=b0 scale=n enable_gqa=b0
    aten.scatter.reduce self dim index src reduce
    aten.scatter.src self dim index src
    aten.scatter.value self dim index value
    aten.scatter.value_reduce self dim index value reduce
    aten.scatter_.reduce self dim index src reduce
    aten.scatter_.src self dim index src
    aten.scatter_.value self dim index value
    aten.scatter_.value_reduce self dim index value reduce
    aten.scatter_add.default self dim index src
    aten.scatter_add_.default self dim index src
    aten.scatter_reduce.two self dim index src reduce include_self=b1
    aten.scatter_reduce_.two self dim index src reduce include_self=b1
    aten.searchsorted.Scalar sorted_sequence self out_int32=b0 right=b0 side=n sorter=n
    aten.searchsorted.Tensor sorted_sequence self out_int32=b0 right=b0 side=n sorter=n
    aten.select.int self dim index
    aten.select_copy.int self dim index
    aten.select_scatter.default self src dim index
    aten.selu.default self
    aten.selu_.default self
    aten.sgn.default self
    aten.sgn_.default self
    aten.sigmoid.default self
    aten.sigmoid_.default self
    aten.sign.default self
    aten.sign_.default self
    aten.signbit.default self
    aten.silu.default self
    aten.silu_.default self
    aten.sin.default self
    aten.sin_.default self
    aten.sinc.default self
    aten.sinc_.default self
    aten.sinh.default self
    aten.sinh_.default self
    aten.slice.Tensor self dim=i0 start=n end=n step=i1
    aten.slice_copy.Tensor self dim=i0 start=n end=n step=i1
    aten.slice_scatter.default self src dim=i0 start=n end=n step=i1
    aten.smooth_l1_loss.default self target reduction=i1 beta=f1.0
    aten.soft_margin_loss.default self target reduction=i1
    aten.softmax.int self dim dtype=n
    aten.softplus.default self beta=i1 threshold=i20
    aten.softshrink.default self lambd=f0.5
    aten.sort.Tensor self reverse=b0
    aten.sort.any self reverse=b0
    aten.sort.bool self reverse=b0
    aten.sort.default self dim=i-1 descending=b0
    aten.sort.float self reverse=b0
    aten.sort.int self reverse=b0
    aten.sort.stable self stable dim=i-1 descending=b0
    aten.sort.str self reverse=b0
    aten.special_digamma.default self
    aten.special_erf.default self
    aten.special_erfc.default self
    aten.special_erfinv.default self
    aten.special_exp2.default self
    aten.special_expit.default self
    aten.special_expm1.default self
    aten.special_gammaln.default self
    aten.special_log1p.default self
    aten.special_log_softmax.default self dim dtype=n
    aten.special_logit.default self eps=n
    aten.special_sinc.default self
    aten.special_softmax.default self dim dtype=n
    aten.special_xlogy.default self other
    aten.special_xlogy.other_scalar self other
    aten.special_xlogy.self_scalar self other
    aten.split.Tensor self split_size dim=i0
    aten.split.default self split_sizes dim=i0
    aten.split.sizes self split_size dim=i0
    aten.split_copy.Tensor self split_size dim=i0
    aten.split_with_sizes.default self split_sizes dim=i0
    aten.split_with_sizes_copy.default self split_sizes dim=i0
    aten.sqrt.default self
    aten.sqrt_.default self
    aten.square.default self
    aten.square_.default self
    aten.squeeze.default self
    aten.squeeze.dim self dim
    aten.squeeze.dims self dim
    aten.squeeze_.default self
    aten.squeeze_.dim self dim
    aten.squeeze_.dims self dim
    aten.squeeze_copy.default self
    aten.squeeze_copy.dim self dim
    aten.squeeze_copy.dims self dim
    aten.stack.default tensors dim=i0
    aten.std.correction self dim=n correction=n keepdim=b0
    aten.std.default self unbiased=b1
    aten.std.dim self dim unbiased=b1 keepdim=b0
    aten.std_mean.correction self dim=n correction=n keepdim=b0
    aten.std_mean.default self unbiased=b1
    aten.std_mean.dim self dim unbiased=b1 keepdim=b0
    aten.stft.center self n_fft hop_length=n win_length=n window=n center=b1 pad_mode=sreflect normalized=b0 onesided=n return_complex=n align_to_window=n
    aten.stft.default self n_fft hop_length=n win_length=n window=n normalized=b0 onesided=n return_complex=n align_to_window=n
    aten.sub.Scalar self other alpha=i1
    aten.sub.Tensor self other alpha=i1
    aten.sub_.Scalar self other alpha=i1
    aten.sub_.Tensor self other alpha=i1
    aten.subtract.Scalar self other alpha=i1
    aten.subtract.Tensor self other alpha=i1
    aten.subtract_.Scalar self other alpha=i1
    aten.subtract_.Tensor self other alpha=i1
    aten.sum.default self dtype=n
    aten.sum.dim_IntList self dim keepdim=b0 dtype=n
    aten.swapaxes.default self axis0 axis1
    aten.swapaxes_.default self axis0 axis1
    aten.swapdims.default self dim0 dim1
    aten.swapdims_.default self dim0 dim1
    aten.sym_constrain_range.default size min=n max=n
    aten.sym_constrain_range_for_size.default size min=n max=n
    aten.t.default self
    aten.t_.default self
    aten.t_copy.default self
    aten.take.default self index
    aten.take_along_dim.default self indices dim=n
    aten.tan.default self
    aten.tan_.default self
    aten.tanh.default self
    aten.tanh_.default self
    aten.tensor_split.indices self indices dim=i0
    aten.tensor_split.sections self sections dim=i0
    aten.tensor_split.tensor_indices_or_sections self tensor_indices_or_sections dim=i0
    aten.tensordot.default self other dims_self dims_other
    aten.thnn_conv2d.default self weight kernel_size bias=n stride=I1,1 padding=I0,0
    aten.threshold.default self threshold value
    aten.threshold_.default self threshold value
    aten.tile.default self dims
    aten.to.device self device dtype non_blocking=b0 copy=b0 memory_format=n
    aten.to.dtype self dtype non_blocking=b0 copy=b0 memory_format=n
    aten.to.dtype_layout self dtype=n layout=n device=n pin_memory=n non_blocking=b0 copy=b0 memory_format=n
    aten.to.other self other non_blocking=b0 copy=b0 memory_format=n
    aten.to.prim_Device self device dtype=n non_blocking=b0 copy=b0
    aten.to.prim_dtype self dtype=n non_blocking=b0 copy=b0
    aten.to.prim_other self non_blocking=b0 copy=b0
    aten.topk.default self k dim=i-1 largest=b1 sorted=b1
    aten.trace.default self
    aten.transpose.int self dim0 dim1
    aten.transpose_.default self dim0 dim1
    aten.transpose_copy.int self dim0 dim1
    aten.tril.default self diagonal=i0
    aten.tril_.default self diagonal=i0
    aten.tril_indices.default row col offset=i0 dtype=i4 layout=n device=n pin_memory=n
    aten.triplet_margin_loss.default anchor positive negative margin=f1.0 p=f2.0 eps=f1e-06 swap=b0 reduction=i1
    aten.triu.default self diagonal=i0
    aten.triu_.default self diagonal=i0
    aten.triu_indices.default row col offset=i0 dtype=i4 layout=n device=n pin_memory=n
    aten.true_divide.Scalar self other
    aten.true_divide.Tensor self other
    aten.true_divide_.Scalar self other
    aten.true_divide_.Tensor self other
    aten.trunc.default self
    aten.trunc_.default self
    aten.type_as.default self other
    aten.unbind.int self dim=i0
    aten.unbind_copy.int self dim=i0
    aten.unflatten.int self dim sizes
    aten.unfold.default self dimension size step
    aten.unfold_copy.default self dimension size step
    aten.uniform.default self from=f0.0 to=f1.0 generator=n
    aten.uniform_.default self from=f0.0 to=f1.0 generator=n
    aten.unsafe_chunk.default self chunks dim=i0
    aten.unsafe_split.Tensor self split_size dim=i0
    aten.unsafe_split_with_sizes.default self split_sizes dim=i0
    aten.unsqueeze.default self dim
    aten.unsqueeze_.default self dim
    aten.unsqueeze_copy.default self dim
    aten.upsample_bicubic2d.default self output_size align_corners scales_h=n scales_w=n
    aten.upsample_bicubic2d.vec input output_size align_corners scale_factors
    aten.upsample_bilinear2d.default self output_size align_corners scales_h=n scales_w=n
    aten.upsample_bilinear2d.vec input output_size align_corners scale_factors
    aten.upsample_linear1d.default self output_size align_corners scales=n
    aten.upsample_linear1d.vec input output_size align_corners scale_factors
    aten.upsample_nearest1d.default self output_size scales=n
    aten.upsample_nearest1d.vec input output_size scale_factors
    aten.upsample_nearest2d.default self output_size scales_h=n scales_w=n
    aten.upsample_nearest2d.vec input output_size scale_factors
    aten.upsample_nearest3d.default self output_size scales_d=n scales_h=n scales_w=n
    aten.upsample_nearest3d.vec input output_size scale_factors
    aten.upsample_trilinear3d.default self output_size align_corners scales_d=n scales_h=n scales_w=n
    aten.upsample_trilinear3d.vec input output_size align_corners scale_factors
    aten.var.correction self dim=n correction=n keepdim=b0
    aten.var.default self unbiased=b1
    aten.var.dim self dim unbiased=b1 keepdim=b0
    aten.var_mean.correction self dim=n correction=n keepdim=b0
    aten.var_mean.default self unbiased=b1
    aten.var_mean.dim self dim unbiased=b1 keepdim=b0
    aten.vdot.default self other
    aten.view.default self size
    aten.view.dtype self dtype
    aten.view_as.default self other
    aten.view_as_complex.default self
    aten.view_as_real.default self
    aten.view_copy.default self size
    aten.view_copy.dtype self dtype
    aten.vsplit.array self indices
    aten.vsplit.int self sections
    aten.vstack.default tensors
    aten.where.Scalar condition self other
    aten.where.ScalarOther condition self other
    aten.where.ScalarSelf condition self other
    aten.where.default condition
    aten.where.self condition self other
    aten.xlogy.Scalar_Other self other
    aten.xlogy.Scalar_Self self other
    aten.xlogy.Tensor self other
    aten.xlogy_.Scalar_Other self other
    aten.xlogy_.Tensor self other
    aten.zero.default self
    aten.zero_.default self
    aten.zeros.default size dtype=n layout=n device=n pin_memory=n
    aten.zeros_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    """#
